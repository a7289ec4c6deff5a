"""One `Item` of ActiveList (03 §3.6) as an object whose members become elements in this order."""

from dataclasses import dataclass
from urllib.parse import quote

from ebayconnector.simulator.json_types import JsonObject, apply_patch
from ebayconnector.simulator.listing_book import ListingBook, LiveListing, Variant
from ebayconnector.simulator.randomness import mix
from ebayconnector.simulator.stock_book import CURRENCY_OF, StockOffer
from ebayconnector.simulator.times import SECOND_MS, iso

VOLATILE = ("TimeLeft", "WatchCount")  # differ from call to call

_DOMAINS = {
    "EBAY_US": "com",
    "EBAY_GB": "co.uk",
    "EBAY_DE": "de",
    "EBAY_FR": "fr",
    "EBAY_AU": "com.au",
    "EBAY_IT": "it",
    "EBAY_ES": "es",
    "EBAY_CA": "ca",
}
_SIZES = ("Size", "Größe")


@dataclass(frozen=True, slots=True)
class Wanted:
    """How listings are asked for."""

    now_ms: int
    hide_variations: bool = False
    notes: bool = False


def duration(ms: int) -> str:
    """`P25DT3H7M2S`: parts that are zero are left out."""
    seconds = max(0, ms // SECOND_MS)
    days, rest = divmod(seconds, 86_400)
    parts = ((rest // 3600, "H"), (rest // 60 % 60, "M"), (rest % 60, "S"))
    time = "".join(f"{number}{unit}" for number, unit in parts if number)
    return (f"P{days}D" if days else "P") + (f"T{time}" if time else "" if days else "T0S")


def amount(cents: int, currency: str) -> JsonObject:
    """Written as live answers have it: `1.0`, `20.76`, `21.1`."""
    return {"value": str(cents / 100), "currencyID": currency}


def listing_body(book: ListingBook, live: LiveListing, wanted: Wanted) -> JsonObject:
    marketplace = live.offers[0].marketplace if live.offers else book.site.marketplace
    currency, number = CURRENCY_OF[marketplace], int(live.item_id)
    variations = _variations(book, live, currency)
    sku = live.own.sku if live.own else None if live.offers[0].item.group else live.offers[0].item.sku
    body: JsonObject = {} if live.auction else {"BuyItNowPrice": amount(live.start_price, currency)}
    body |= {"ItemID": live.item_id, "ListingDetails": _details(live, marketplace)}
    body |= {"ListingDuration": "Days_7" if live.auction else "GTC"}
    body |= {"ListingType": "Chinese" if live.auction else "FixedPriceItem"}
    if wanted.notes and number % 9 == 0:
        body["PrivateNotes"] = "Regal 7 & Kiste <B>"
    body["Quantity"] = live.available + live.sold
    if live.available == 0:
        body |= {"HideFromSearch": True, "ReasonHideFromSearch": "OutOfStock"}
    body["SellingStatus"] = _selling_status(live, currency, wanted.now_ms)
    body["ShippingDetails"] = _shipping(number, currency)
    if live.auction:
        body["StartPrice"] = amount(live.start_price, currency)
    body |= {"TimeLeft": duration(live.end_ms - wanted.now_ms), "Title": live.title}
    body["WatchCount"] = watch_count(live, wanted.now_ms)
    body |= {"QuantityAvailable": live.available, "SKU": sku}
    body["PictureDetails"] = {"GalleryURL": f"https://i.ebayimg.example/thumbs/{live.item_id}.jpg?a=1&b=2"}
    if variations and not wanted.hide_variations:
        body["Variations"] = {"Variation": variations}
    patch = live.own.patch if live.own else None
    body = body if patch is None else apply_patch(body, patch)
    return {name: value for name, value in body.items() if value is not None}


def watch_count(live: LiveListing, now_ms: int) -> int | None:
    """None, and no element, while nobody watches."""
    return max(0, live.watchers(now_ms)) or None


def _details(live: LiveListing, marketplace: str) -> JsonObject:
    site = f"https://www.ebay.{_DOMAINS[marketplace]}/itm"
    title = quote(live.title.replace(" ", "-"), safe="-")
    return {
        "StartTime": iso(live.start_ms),
        "ViewItemURL": f"{site}/{title}/{live.item_id}",
        "ViewItemURLForNaturalSearch": f"{site}/{title}?item={live.item_id}&category=22416&cmd=ViewItem",
    }


def _selling_status(live: LiveListing, currency: str, now_ms: int) -> JsonObject:
    """Bids only of auctions, the number sold only when there is one, as in live answers."""
    status: JsonObject = {}
    bids = live.bid_count(now_ms)
    if live.auction:
        status["BidCount"] = bids
    status["CurrentPrice"] = amount(live.price_at(now_ms), currency)
    if bids:
        status["HighBidder"] = {"FeedbackScore": bids * 17, "UserID": f"b***{int(live.item_id) % 97}"}
    if live.sold:
        status["QuantitySold"] = live.sold
    if live.auction:
        status["ReserveMet"] = bids > 3
    return status


def _shipping(number: int, currency: str) -> JsonObject:
    cost = 0 if mix(number, 3) % 3 == 0 else 199 + mix(number, 4) % 1_300
    options = {"ShippingServiceCost": amount(cost, currency)}
    return {"ShippingServiceOptions": options, "ShippingType": "Flat"}


def _variations(book: ListingBook, live: LiveListing, currency: str) -> list[JsonObject]:
    if live.own is not None:
        return [_variation(one, live.own.title, currency) for one in live.own.variants]
    if live.offers[0].item.group is None:
        return []
    name = _SIZES[book.site.language == "de"]
    return [_variation(_of_offer(offer, name), offer.item.title, currency) for offer in live.offers]


def _of_offer(offer: StockOffer, name: str) -> Variant:
    sku = offer.item.sku
    size = ((name, sku.rpartition("-")[2]),)
    return Variant(sku, size, offer.price or 0, offer.available, offer.sold)


def _variation(one: Variant, title: str, currency: str) -> JsonObject:
    """A variation without a SKU has no such element: its specifics are all that tells it apart."""
    values = ", ".join(value for _, value in one.specifics)
    lists = [{"Name": name, "Value": value} for name, value in one.specifics]
    body: JsonObject = {} if one.sku is None else {"SKU": one.sku}
    return body | {
        "StartPrice": amount(one.price, currency),
        "Quantity": one.available + one.sold,
        "VariationSpecifics": {"NameValueList": lists},
        "SellingStatus": {"QuantitySold": one.sold},
        "VariationTitle": f"{title}[{values}]",
    }
