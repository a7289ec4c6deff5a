"""What a seller sells: listings made up from (seed, seller, place), so that orders and later APIs agree."""

from dataclasses import dataclass
from functools import lru_cache

from ebayconnector.simulator.randomness import mix, rng
from ebayconnector.simulator.sites import SITES

LISTINGS_PER_SELLER = 300

_THINGS = {
    "de": (
        "Bremsbelagsatz für Käfer",
        "Schlüsselanhänger aus Messing",
        "Übertopf, weiß",
        "Röhrenradio geprüft",
        "Spaßvogel Puzzle 1.000 Teile",
    ),
    "fr": (
        "Cafetière émaillée",
        "Tête d’allumage rénovée",
        "Vinyle années 60 – très bon état",
        "Clé à molette forgée",
    ),
    "it": ("Caffettiera d’epoca", "Orologio da parete – funzionante"),
    "es": ("Cámara réflex revisada", "Piñón de bicicleta 16 dientes"),
    "en": (
        "Carburettor rebuild kit",
        "Vintage enamel mug 12oz",
        "Café racer seat – black",
        '1/4" socket set <NEW> & boxed',
        "Brake pads, front",
        "日本 woodblock print",
        "Tube amp 🎸 tested",
    ),
}
_COLOURS = {
    "de": ("Farbe", "Grün"),
    "fr": ("Couleur", "Bleu foncé"),
    "it": ("Colore", "Blu"),
    "es": ("Color", "Añil"),
}


@dataclass(frozen=True, slots=True)
class Listing:
    """`price` is in cents; `sku` and `variation_id` are None where the listing has none."""

    item_id: str
    title: str
    sku: str | None
    price: int
    sold_format: str
    variation_id: str | None
    variation_aspects: tuple[tuple[str, str], ...]


@lru_cache(maxsize=16_384)
def listing(seed: int, seller_number: int, site_key: str, place: int) -> Listing:
    source = rng(seed, seller_number, 77, place)
    language = SITES[site_key].language
    has_variations = source.random() < 0.2
    aspect = _COLOURS.get(language, ("Color", "Red"))
    return Listing(
        item_id=str(110_000_000_000 + mix(seed, seller_number, place) % 289_000_000_000),
        title=f"{source.choice(_THINGS[language])} #{place}",
        sku=None if source.random() < 0.15 else f"{site_key}-{seller_number}-{place:04d}",
        price=source.randrange(199, 24_999),
        sold_format="AUCTION" if source.random() < 0.1 else "FIXED_PRICE",
        variation_id=str(source.randrange(400_000_000_000, 699_999_999_999)) if has_variations else None,
        variation_aspects=(aspect,) if has_variations else (),
    )
