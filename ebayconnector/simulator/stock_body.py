"""The JSON of an inventory item and of an offer (03 §6.1, §6.2), made from their state on demand."""

from dataclasses import dataclass
from random import Random

from ebayconnector.simulator.json_types import JsonObject, apply_patch
from ebayconnector.simulator.randomness import rng
from ebayconnector.simulator.sites import Site
from ebayconnector.simulator.stock_book import CURRENCY_OF, StockBook, StockItem, StockOffer

_USED = ("USED_EXCELLENT", "USED_VERY_GOOD", "USED_GOOD")
_CONDITIONS = ("NEW", "NEW_OTHER", "LIKE_NEW", *_USED)
_BRANDS = ("Unbranded", "Bosch", "Märklin", "Rowenta", "Stanley & Sons")
_COLOURS = ("Red", "Grün", "Bleu foncé", "Natural/Wood")


@dataclass(frozen=True, slots=True)
class _ItemFacts:
    """What never changes about an item, and which containers its seller never filled."""

    condition: str | None
    brand: str
    colour: str
    gtin: str
    epid: str | None
    subtitle: bool
    description: bool
    aspects: bool
    images: int
    mpn: bool
    package: bool
    pickup: int | None
    lists_allocation: bool
    weight: float


def _item_facts(source: Random) -> _ItemFacts:
    draw = source.random
    return _ItemFacts(
        condition=source.choice(_CONDITIONS) if draw() < 0.9 else None,
        brand=source.choice(_BRANDS),
        colour=source.choice(_COLOURS),
        gtin=str(source.randrange(10**12, 10**13)),
        epid=str(source.randrange(10**8, 10**10)) if draw() < 0.3 else None,
        subtitle=draw() < 0.2,
        description=draw() < 0.8,
        aspects=draw() < 0.9,
        images=source.randrange(0, 5),
        mpn=draw() < 0.4,
        package=draw() < 0.6,
        pickup=source.randrange(0, 9) if draw() < 0.1 else None,
        lists_allocation=draw() < 0.5,
        weight=source.randrange(1, 160) / 8,
    )


def item_body(book: StockBook, item: StockItem, *, single: bool = False) -> JsonObject:
    """One inventory item. `single` is getInventoryItem, which tells more than the list does.

    Recorded answers: the list leaves out allocationByFormat, packageType and shippingIrregular. Here half of
    the items have allocationByFormat in the list as well.
    """
    facts = _item_facts(rng(book.seed, book.seller_number, 31, item.number))
    offers = book.offers_of(item)
    published = any(offer.published for offer in offers)
    body: JsonObject = {"sku": item.sku, "locale": _locale(book.site)}
    body["product"] = _product(item, facts)
    body |= _condition(facts, published=published)
    if facts.package:
        body["packageWeightAndSize"] = _package(facts, single=single)
    body["availability"] = _availability(book, item, facts, single=single)
    if item.group is not None:
        body["groupIds"] = [item.group]
        body["inventoryItemGroupKeys"] = [f"{item.group}:{item.sku}"]
    return body if item.patch is None else apply_patch(body, item.patch)


def _locale(site: Site) -> str:
    return f"{site.language}_{site.country}"


def _condition(facts: _ItemFacts, *, published: bool) -> JsonObject:
    """Always there for a published offer, otherwise when the seller set it (contract)."""
    condition = facts.condition or ("NEW" if published else None)
    if condition is None:
        return {}
    if condition in _USED:
        return {"condition": condition, "conditionDescription": 'Some "patina"; works – tested'}
    return {"condition": condition}


def _product(item: StockItem, facts: _ItemFacts) -> JsonObject:
    product: JsonObject = {"title": item.title}
    if facts.subtitle:
        product["subtitle"] = "Free shipping & returns"
    if facts.description:
        product["description"] = f"<p>{item.title}</p>\n<b>Ships today</b>"
    if facts.aspects:
        product["aspects"] = {"Brand": [facts.brand], "Color": [facts.colour, "Multi"]}
    if facts.mpn:
        product |= {"brand": facts.brand, "mpn": f"MPN-{item.number}"}
        product["ean"] = [facts.gtin]
    if facts.epid is not None:
        product["epid"] = facts.epid
    if facts.images:
        folder = f"https://i.ebayimg.com/00/s/{item.number}"
        product["imageUrls"] = [f"{folder}/$_{n}.JPG" for n in range(facts.images)]
    return product


def _package(facts: _ItemFacts, *, single: bool) -> JsonObject:
    package: JsonObject = {
        "dimensions": {"width": 6, "length": 12.5, "height": 4, "unit": "INCH"},
        "weight": {"value": facts.weight, "unit": "POUND"},
    }
    more = {"packageType": "PACKAGE_THICK_ENVELOPE", "shippingIrregular": False}
    return package | more if single else package


def _availability(book: StockBook, item: StockItem, facts: _ItemFacts, *, single: bool) -> JsonObject:
    ship: JsonObject = {"quantity": item.quantity}
    if single or facts.lists_allocation:
        auctions = any(offer.published and offer.format == "AUCTION" for offer in book.offers_of(item))
        reserved = min(1, item.quantity) if auctions else 0
        ship["allocationByFormat"] = {"auction": reserved, "fixedPrice": item.quantity - reserved}
    availability: JsonObject = {"shipToLocationAvailability": ship}
    if facts.pickup is not None:
        pickup = {"merchantLocationKey": "store-1", "quantity": facts.pickup, "availabilityType": "IN_STOCK"}
        pickup["fulfillmentTime"] = {"value": 2, "unit": "HOUR"}
        availability["pickupAtLocationAvailability"] = [pickup]
    return availability


def offer_body(book: StockBook, offer: StockOffer) -> JsonObject:
    """One offer. An unpublished one has no `listing`, one without a price empty containers (contract)."""
    draw = rng(book.seed, book.seller_number, 32, offer.number)
    policy = draw.randrange(2 * 10**11, 9 * 10**11)
    category, second = str(draw.randrange(1_000, 200_000)), draw.random() < 0.15
    body: JsonObject = {"offerId": offer.offer_id, "sku": offer.item.sku}
    body |= {"marketplaceId": offer.marketplace, "format": offer.format}
    if offer.shows_quantity:
        body["availableQuantity"] = offer.available
    body["pricingSummary"] = _pricing(offer)
    body["listingPolicies"] = {} if offer.price is None else _policies(offer, policy)
    if offer.price is not None:
        body |= {
            "categoryId": category,
            "merchantLocationKey": f"{book.site.country}_1",
            "tax": _tax(book.site),
        }
        body["listingDescription"] = f"<div>{offer.item.title}</div>"
    if second and offer.published:
        body |= {"secondaryCategoryId": "9355", "storeCategoryNames": ["/Parts/New & boxed"]}
    if draw.random() < 0.3:
        body["quantityLimitPerBuyer"] = draw.randrange(1, 6)
    if offer.published:
        body["listing"] = _listing(offer)
    body["status"] = "PUBLISHED" if offer.published else "UNPUBLISHED"
    body["listingDuration"] = "DAYS_7" if offer.format == "AUCTION" else "GTC"
    body |= {"includeCatalogProductDetails": True, "hideBuyerDetails": False}
    return body if offer.patch is None else apply_patch(body, offer.patch)


def _listing(offer: StockOffer) -> JsonObject:
    listing: JsonObject = {
        "listingId": offer.listing_id,
        "listingStatus": offer.listing_status,
        "soldQuantity": offer.sold,
    }
    return listing | {"listingOnHold": True} if offer.on_hold else listing


def _pricing(offer: StockOffer) -> JsonObject:
    if offer.price is None:
        return {}
    price = _money(offer, offer.price)
    if offer.format == "AUCTION":
        return {"auctionStartPrice": price, "auctionReservePrice": _money(offer, offer.price * 2)}
    return {"price": price}


def _policies(offer: StockOffer, policy: int) -> JsonObject:
    policies: JsonObject = {
        "paymentPolicyId": str(policy),
        "returnPolicyId": str(policy + 1),
        "fulfillmentPolicyId": str(policy + 2),
        "eBayPlusIfEligible": False,
    }
    if policy % 4 == 0 and offer.price is not None and offer.format == "FIXED_PRICE":
        decline = _money(offer, offer.price // 2)
        policies["bestOfferTerms"] = {"bestOfferEnabled": True, "autoDeclinePrice": decline}
    return policies


def _tax(site: Site) -> JsonObject:
    return {"applyTax": False} if site.collects_tax else {"applyTax": False, "vatPercentage": 19.0}


def _money(offer: StockOffer, cents: int) -> JsonObject:
    """Written as a recorded answer has it: `85.0`, `50.01`."""
    return {"value": str(cents / 100), "currency": CURRENCY_OF[offer.marketplace]}
