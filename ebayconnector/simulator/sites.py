"""eBay sites: marketplace, currency, language, and what names and places look like there."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Site:
    """`trading_name` is the value of Trading's `Site`, `trading_id` its number (03 §3.8)."""

    key: str
    marketplace: str
    trading_name: str
    trading_id: int
    country: str
    currency: str
    language: str
    carrier: str
    shipping_service: str
    collects_tax: bool
    first_names: tuple[str, ...]
    last_names: tuple[str, ...]
    streets: tuple[str, ...]
    places: tuple[tuple[str, str, str], ...]  # city, state or province, postal code


_ENGLISH_FIRST = ("Emma", "Oliver", "Aisha", "Liam", "Siobhán", "Noah", "Zoë", "José", "Mei", "Renée")
_ENGLISH_LAST = ("Smith", "O’Connor", "Nguyễn", "Brown", "Núñez", "Taylor", "Patel", "Wright", "Kowalski")

US = Site(
    "US",
    "EBAY_US",
    "US",
    0,
    "US",
    "USD",
    "en",
    "USPS",
    "USPSPriority",
    True,
    _ENGLISH_FIRST,
    _ENGLISH_LAST,
    ("Main St", "Oak Ave", "Elm Street Apt 4B", "Cañon Blvd"),
    (
        ("San José", "CA", "95112"),
        ("Austin", "TX", "78701"),
        ("Brooklyn", "NY", "11201"),
        ("Dayton", "OH", "45402"),
    ),
)
GB = Site(
    "GB",
    "EBAY_GB",
    "UK",
    3,
    "GB",
    "GBP",
    "en",
    "Royal Mail",
    "UK_RoyalMailSecondClassStandard",
    False,
    _ENGLISH_FIRST,
    _ENGLISH_LAST,
    ("High Street", "Church Lane", "Queen’s Road"),
    (
        ("London", "Greater London", "SW1A 1AA"),
        ("Leeds", "West Yorkshire", "LS1 4DY"),
        ("Ynys Môn", "Gwynedd", "LL77 7XA"),
    ),
)
DE = Site(
    "DE",
    "EBAY_DE",
    "Germany",
    77,
    "DE",
    "EUR",
    "de",
    "DHL",
    "DE_DHLPaket",
    False,
    ("Jürgen", "Käthe", "Björn", "Sören", "Anna", "Lukas", "Zoë"),
    ("Müller", "Weiß", "Groß", "Schröder", "Yılmaz", "Böhm"),
    ("Hauptstraße", "Königsallee", "Am Mühlbach", "Größenweg"),
    (
        ("München", "Bayern", "80331"),
        ("Köln", "Nordrhein-Westfalen", "50667"),
        ("Lübeck", "Schleswig-Holstein", "23552"),
    ),
)
FR = Site(
    "FR",
    "EBAY_FR",
    "France",
    71,
    "FR",
    "EUR",
    "fr",
    "Colissimo",
    "FR_ColiPosteColissimo",
    False,
    ("Zoé", "François", "Hélène", "Loïc", "Maëlys", "Théo"),
    ("Lefèvre", "Dupré", "Gaël-Müller", "Noël", "Bœuf"),
    ("rue de l’Église", "avenue Général-Leclerc", "impasse des Tilleuls"),
    (
        ("Orléans", "Loiret", "45000"),
        ("Besançon", "Doubs", "25000"),
        ("L’Haÿ-les-Roses", "Val-de-Marne", "94240"),
    ),
)
AU = Site(
    "AU",
    "EBAY_AU",
    "Australia",
    15,
    "AU",
    "AUD",
    "en",
    "Australia Post",
    "AU_Regular",
    True,
    _ENGLISH_FIRST,
    _ENGLISH_LAST,
    ("George Street", "Wattle Road", "Bundjalung Ave"),
    (("Sydney", "NSW", "2000"), ("Hobart", "TAS", "7000"), ("Wagga Wagga", "NSW", "2650")),
)
IT = Site(
    "IT",
    "EBAY_IT",
    "Italy",
    101,
    "IT",
    "EUR",
    "it",
    "Poste Italiane",
    "IT_PostaPrioritaria",
    False,
    ("Niccolò", "Giulia", "Elìa"),
    ("D’Angelo", "Rossi", "Cantù"),
    ("via Dante", "corso Libertà"),
    (("Forlì", "FC", "47121"), ("Torino", "TO", "10121")),
)
ES = Site(
    "ES",
    "EBAY_ES",
    "Spain",
    186,
    "ES",
    "EUR",
    "es",
    "Correos",
    "ES_CorreosPaqueteAzul",
    False,
    ("Íñigo", "María", "Núria"),
    ("Muñoz", "García", "Peña"),
    ("calle Mayor", "avenida de la Constitución"),
    (("A Coruña", "Galicia", "15001"), ("Cádiz", "Andalucía", "11001")),
)
CA = Site(
    "CA",
    "EBAY_CA",
    "Canada",
    2,
    "CA",
    "CAD",
    "en",
    "Canada Post",
    "CA_PostExpeditedParcel",
    True,
    _ENGLISH_FIRST,
    _ENGLISH_LAST,
    ("King Street W", "rue Saint-Étienne"),
    (("Montréal", "QC", "H2Y 1C6"), ("Toronto", "ON", "M5H 2N2")),
)

SITES: dict[str, Site] = {site.key: site for site in (US, GB, DE, FR, AU, IT, ES, CA)}


_OTHER_SITE_LANGUAGES = {16: "de", 193: "de", 23: "fr", 210: "fr"}  # AT, CH, BE, CA


def language_of_site_id(trading_id: int) -> str:
    """Language of Trading's error texts for a numeric site id; English where the simulator knows no other."""
    known = next((site.language for site in SITES.values() if site.trading_id == trading_id), "en")
    return _OTHER_SITE_LANGUAGES.get(trading_id, known)


def trading_site_ids() -> frozenset[int]:
    """All site ids of 03 §3.8, also those where the simulator has no seller."""
    return frozenset(
        {0, 2, 3, 15, 16, 23, 71, 77, 100, 101, 123, 146, 186, 193, 201, 203, 205, 207, 210, 211, 212, 216}
    )
