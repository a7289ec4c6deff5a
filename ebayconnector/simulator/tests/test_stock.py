"""The stock behind the Inventory API: what it begins with, how it moves, and the control API over it."""

import jsonschema
import pytest

from ebayconnector.simulator.sites import SITES
from ebayconnector.simulator.stock_activity import StockActivity, change_stock
from ebayconnector.simulator.stock_body import item_body, offer_body
from ebayconnector.simulator.stock_book import StockBook
from ebayconnector.simulator.stock_fill import fill
from ebayconnector.simulator.times import HOUR_MS, MINUTE_MS, parse_iso

from .conftest import SELLER, contract
from .test_inventory import Inventory, skus
from .test_order_bodies import ALL_SELLERS, schema_of, unknown_fields

NOW_MS = parse_iso("2026-11-21T12:00:00.000Z")


def book_of(size=40, seed=1, seller_number=2):
    book = StockBook(seed=seed, seller_number=seller_number, site=SITES["GB"])
    fill(book, size)
    return book


def bodies(book):
    items = [item_body(book, item, single=True) for item in book.items.values()]
    return items + [offer_body(book, offer) for offer in book.offers.values()]


@pytest.fixture
def inventory(sim):
    return Inventory(sim)


# what a stock begins with


def test_same_seed_same_stock():
    assert bodies(book_of()) == bodies(book_of())
    assert bodies(book_of()) != bodies(book_of(seed=2))


def test_larger_stock_begins_like_a_smaller_one():
    assert bodies(book_of(60))[:40] == bodies(book_of(40))[:40]


def test_offer_ids_and_skus_are_unique_in_a_large_stock():
    books = [book_of(5_000, seller_number=number) for number in (1, 2)]
    ids = [offer_id for book in books for offer_id in book.offers]
    assert len(set(ids)) == len(ids) > 8_000
    assert all(len({item.sku for item in book.items.values()}) == 5_000 for book in books)


def offers_by_sku(rows):
    grouped = {}
    for row in rows:
        grouped.setdefault(row["sku"], []).append(row)
    return grouped


@pytest.mark.parametrize("seller", ALL_SELLERS)
def test_stock_holds_every_kind(sim, seller):
    inventory = Inventory(sim, seller)
    rows, offers = inventory.stock(), inventory.truth("offers")
    by_sku = offers_by_sku(offers)
    assert any(not row["offers"] for row in rows)
    assert any(
        {"AUCTION", "FIXED_PRICE"} == {offer["format"] for offer in group} for group in by_sku.values()
    )
    assert any(len({offer["marketplaceId"] for offer in group}) == 2 for group in by_sku.values())
    assert {offer["status"] for offer in offers} == {"PUBLISHED", "UNPUBLISHED"}
    statuses = {offer["listing"]["listingStatus"] for offer in offers if "listing" in offer}
    assert {"ACTIVE", "OUT_OF_STOCK", "EBAY_ENDED"} <= statuses
    assert {"availableQuantity" in offer for offer in offers} == {True, False}
    assert any(offer["listing"].get("listingOnHold") for offer in offers if "listing" in offer)
    assert any(row["legacy"] for row in rows)


@pytest.mark.parametrize("seller", ALL_SELLERS)
def test_at_most_one_offer_per_sku_marketplace_and_format(sim, seller):
    offers = Inventory(sim, seller).truth("offers")
    keys = [(offer["sku"], offer["marketplaceId"], offer["format"]) for offer in offers]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("seller", ALL_SELLERS)
def test_only_published_offers_have_a_listing(sim, seller):
    for offer in Inventory(sim, seller).truth("offers"):
        assert ("listing" in offer) is (offer["status"] == "PUBLISHED")


def test_variations_share_group_and_listing(inventory):
    grouped = [row for row in inventory.truth("items") if "groupIds" in row]
    assert len(grouped) == 4
    assert grouped[0]["groupIds"] == grouped[1]["groupIds"] != grouped[2]["groupIds"]
    first, second = (inventory.offers(sku=row["sku"]).json()["offers"][0] for row in grouped[:2])
    assert first["listing"]["listingId"] == second["listing"]["listingId"]
    assert first["offerId"] != second["offerId"]


@pytest.mark.parametrize("seller", ALL_SELLERS)
def test_orders_and_stock_agree_on_sku_and_listing(sim, seller):
    offers = offers_by_sku(Inventory(sim, seller).truth("offers"))
    lines = [line for row in sim.truth(seller) for line in row["lineItems"] if line.get("sku") in offers]
    assert len(lines) > 3
    for line in lines:
        listed = [o["listing"]["listingId"] for o in offers[line["sku"]] if "listing" in o]
        assert not listed or line["legacyItemId"] == listed[0]
    assert any("listing" in offers[line["sku"]][0] for line in lines)


def test_items_of_orders_have_the_title_of_the_order(sim, inventory):
    titles = {row["sku"]: row["product"]["title"] for row in inventory.truth("items")}
    lines = [line for row in sim.truth() for line in row["lineItems"] if line.get("sku") in titles]
    assert lines
    assert all(titles[line["sku"]] == line["title"] for line in lines)


def test_currency_is_the_marketplaces(inventory):
    currencies = {
        (offer["marketplaceId"], price["currency"])
        for offer in inventory.truth("offers")
        for price in offer["pricingSummary"].values()
    }
    assert currencies == {("EBAY_GB", "GBP"), ("EBAY_DE", "EUR")}


def test_auctions_have_a_start_price_and_one_piece(inventory):
    auctions = [offer for offer in inventory.truth("offers") if offer["format"] == "AUCTION"]
    assert auctions
    for offer in auctions:
        assert set(offer["pricingSummary"]) == {"auctionStartPrice", "auctionReservePrice"}
        assert offer.get("availableQuantity", 1) <= 1
        assert offer["listingDuration"] == "DAYS_7"


# the contract


def inventory_contract():
    """The contract without one slip: `aspects` is an object (its sample and every answer), not a string."""
    document = contract("sell_inventory_v1_oas3.json")
    document["components"]["schemas"]["Product"]["properties"]["aspects"] = {"type": "object"}
    return document


def complaints(document, name, body):
    validator = jsonschema.Draft202012Validator(schema_of(document, name))
    found = [error.message for error in validator.iter_errors(body)]
    return found + sorted(set(unknown_fields(document, name, body)))


@pytest.mark.parametrize("seller", ALL_SELLERS)
def test_answers_fit_the_contract(sim, seller):
    document, inventory = inventory_contract(), Inventory(sim, seller)
    assert complaints(document, "InventoryItems", inventory.items(limit=200).json()) == []
    for row in inventory.stock():
        item = inventory.item(row["sku"]).json()
        assert complaints(document, "InventoryItemWithSkuLocaleGroupid", item) == []
        if row["offers"] and not row["legacy"]:
            assert complaints(document, "Offers", inventory.offers(sku=row["sku"]).json()) == []
            offer = inventory.offer(row["offers"][0]["offerId"]).json()
            assert complaints(document, "EbayOfferDetailsWithAll", offer) == []


def test_contract_check_can_fail(inventory):
    row = inventory.new_item(overrides={"product": {"title": 7}, "surprise": {}})
    item = inventory.item(row["sku"]).json()
    found = complaints(inventory_contract(), "InventoryItemWithSkuLocaleGroupid", item)
    assert found == ["7 is not of type 'string'", ".surprise"]


@pytest.mark.parametrize("call", ["items", "offers"])
def test_error_texts_are_the_contracts(inventory, call):
    path, number, answer = {
        "items": ("/inventory_item", "25706", inventory.items(limit=0)),
        "offers": ("/offer", "25706", inventory.offers(sku="x", limit=0)),
    }[call]
    errors = inventory_contract()["paths"][path]["get"]["responses"]["400"]["x-response-codes"]["errors"]
    text = " ".join(errors[number]["description"].split()).split("{")[0]
    error = answer.json()["errors"][0]
    assert error["message"].startswith(text)
    assert (error["domain"], error["category"]) == (errors[number]["domain"], errors[number]["category"])


def test_containers_go_missing_as_in_life(sim):
    items = [row for seller in ALL_SELLERS for row in Inventory(sim, seller).truth("items")]
    offers = [row for seller in ALL_SELLERS for row in Inventory(sim, seller).truth("offers")]
    for name in ("condition", "packageWeightAndSize", "groupIds"):
        assert {name in row for row in items} == {True, False}, name
    for name in ("subtitle", "description", "aspects", "brand", "ean", "epid", "imageUrls"):
        assert {name in row["product"] for row in items} == {True, False}, name
    for name in ("categoryId", "quantityLimitPerBuyer", "tax", "secondaryCategoryId"):
        assert {name in row for row in offers} == {True, False}, name
    assert any(row["pricingSummary"] == row["listingPolicies"] == {} for row in offers)


def test_the_list_tells_less_than_the_single_item(inventory):
    listed = inventory.items(limit=200).json()["inventoryItems"]
    allocations = set()
    for row in listed:
        single = inventory.item(row["sku"]).json()
        assert "allocationByFormat" in single["availability"]["shipToLocationAvailability"]
        allocations.add("allocationByFormat" in row["availability"]["shipToLocationAvailability"])
        assert ("packageType" in single.get("packageWeightAndSize", {})) is ("packageWeightAndSize" in row)
        assert "packageType" not in row.get("packageWeightAndSize", {})
    assert allocations == {True, False}


def test_allocation_adds_up(inventory):
    for row in inventory.stock():
        ship = inventory.item(row["sku"]).json()["availability"]["shipToLocationAvailability"]
        assert sum(ship["allocationByFormat"].values()) == ship["quantity"] == row["quantity"]


# time


def test_what_happened_does_not_depend_on_who_looked_when():
    often, once = (StockActivity(book_of(), per_minute=3, start_ms=NOW_MS) for _ in range(2))
    for minute in range(1, 61):
        often.catch_up(NOW_MS + minute * MINUTE_MS)
    once.catch_up(NOW_MS + HOUR_MS)
    assert bodies(often.book) == bodies(once.book)
    assert once.done == 180


def test_stock_lives_with_the_clock(sim):
    sim.control("POST", "/reset", {"stock_changes_per_minute": 4})
    sim.freeze()
    inventory = Inventory(sim)
    items, offers = inventory.truth("items"), inventory.truth("offers")
    assert inventory.truth("offers") == offers
    sim.control("POST", "/clock", {"advance_s": 3_600})
    later = {offer["offerId"]: offer for offer in inventory.truth("offers")}
    both = [(offer, later[offer["offerId"]]) for offer in offers if offer["offerId"] in later]
    listings = [(a["listing"], b["listing"]) for a, b in both if "listing" in a and "listing" in b]
    assert sum(b["soldQuantity"] > a["soldQuantity"] for a, b in listings) > 10
    assert any(b.get("availableQuantity", 0) < a.get("availableQuantity", 0) for a, b in both)
    assert any(b["pricingSummary"] != a["pricingSummary"] for a, b in both)
    assert any(a["status"] != b["status"] for a, b in both)
    assert set(later) - {offer["offerId"] for offer in offers}
    assert set(skus(items)) - set(skus(inventory.truth("items")))


def change(sim, kind, count=1):
    body = {"seller": SELLER, "kind": kind, "count": count}
    return sim.control("POST", "/stock/change", body)["skus"]


def only_item(sim, **fields):
    """A seller with a single fixed-price item, which every change must hit."""
    sim.control("POST", "/reset", {"stock": 0})
    inventory = Inventory(sim)
    inventory.new_item(sku="ONLY", offer="none", **fields)
    sim.control("POST", "/stock/offers", {"seller": SELLER, "sku": "ONLY"})
    return inventory


def test_sale_moves_quantity_and_sold_together(sim):
    inventory = only_item(sim, quantity=30)
    assert change(sim, "sale", 5) == ["ONLY"] * 5
    (offer,) = inventory.offers(sku="ONLY").json()["offers"]
    ship = inventory.item("ONLY").json()["availability"]["shipToLocationAvailability"]
    sold = offer["listing"]["soldQuantity"]
    assert sold >= 5
    assert offer["availableQuantity"] == ship["quantity"] == 30 - sold


def test_last_piece_sold_is_out_of_stock(sim):
    inventory = only_item(sim, quantity=1)
    assert change(sim, "sale", 3) == ["ONLY"]
    listing = inventory.offers(sku="ONLY").json()["offers"][0]["listing"]
    assert (listing["listingStatus"], listing["soldQuantity"]) == ("OUT_OF_STOCK", 1)
    assert change(sim, "restock") == ["ONLY"]
    listing = inventory.offers(sku="ONLY").json()["offers"][0]["listing"]
    assert (listing["listingStatus"], listing["soldQuantity"]) == ("ACTIVE", 1)


def test_listing_on_hold_sells_nothing(sim):
    inventory = only_item(sim)
    path = f"/stock/offers/{inventory.stock()[0]['offers'][0]['offerId']}"
    sim.control("PATCH", path, {"seller": SELLER, "on_hold": True})
    assert change(sim, "sale", 3) == []


def test_withdrawn_by_time_and_published_again(sim):
    inventory = only_item(sim)
    first = inventory.truth("offers")[0]["listing"]["listingId"]
    assert (change(sim, "withdraw", 2), change(sim, "publish", 2)) == (["ONLY"], ["ONLY"])
    assert inventory.truth("offers")[0]["listing"]["listingId"] != first


def test_nothing_is_sold_twice():
    book = book_of(20)
    source = StockActivity(book, 0, 0).by_hand
    for _ in range(3_000):
        change_stock(book, source, "sale")
    assert min(item.quantity for item in book.items.values()) == 0


@pytest.mark.parametrize(
    ("kind", "items", "offers"),
    [("create", 2, 2), ("delete", 0, 0), ("delete_offer", 1, 0), ("restock", 1, 1), ("price", 1, 1)],
)
def test_change_by_hand_counts(sim, kind, items, offers):
    inventory = only_item(sim)
    before = inventory.truth("items"), inventory.truth("offers")
    assert len(change(sim, kind)) == 1
    assert (len(inventory.truth("items")), len(inventory.truth("offers"))) == (items, offers)
    assert (inventory.truth("items"), inventory.truth("offers")) != before


def test_change_of_an_empty_stock_is_none(sim):
    sim.control("POST", "/reset", {"stock": 0})
    assert change(sim, "sale", 3) == []
    assert len(change(sim, "create", 2)) == 2


# while somebody pages


@pytest.mark.parametrize(("kind", "grown"), [("create", 4), ("delete", -4), ("change", 0), ("mixed", 0)])
def test_drift_after_each_page(sim, inventory, kind, grown):
    sim.control("POST", "/stock/drift", {"seller": SELLER, "per_page": 4, "kind": kind})
    before = inventory.truth("items")
    assert inventory.items(limit=10).json()["total"] == 40
    assert inventory.items(limit=10).json()["total"] == 40 + grown
    assert inventory.truth("items") != before or kind == "change"


def test_drift_makes_a_plain_reader_miss_items(sim, inventory):
    sim.control("POST", "/stock/drift", {"per_page": 2, "kind": "delete"})
    read = inventory.all_skus(limit=10)
    sim.control("POST", "/stock/drift", {"per_page": 0})
    assert set(skus(inventory.stock())) - set(read)


def test_drift_makes_a_plain_reader_see_items_twice(sim):
    sim.control("POST", "/reset", {"stock_sort": "newest_first"})
    inventory = Inventory(sim)
    sim.control("POST", "/stock/drift", {"per_page": 1, "kind": "create", "pages": 3})
    read = inventory.all_skus(limit=10)
    assert len(read) - len(set(read)) == 3


def test_drift_ends_by_pages_and_spares_other_calls_and_sellers(sim, inventory):
    other = Inventory(sim, "outback_spares")
    sim.control("POST", "/stock/drift", {"seller": SELLER, "per_page": 1, "kind": "create", "pages": 2})
    inventory.offers(sku=inventory.stock()[0]["sku"])
    other.items()
    assert (len(inventory.stock()), len(other.stock())) == (40, 40)
    for _ in range(4):
        inventory.items()
    assert len(inventory.stock()) == 42


# by hand


def test_new_item_is_the_last_and_published_at_home(inventory):
    row = inventory.new_item(quantity=7, title="Lamp – new", price=12.5)
    assert inventory.truth("items")[-1]["product"]["title"] == "Lamp – new"
    (offer,) = inventory.offers(sku=row["sku"]).json()["offers"]
    assert (offer["marketplaceId"], offer["status"]) == ("EBAY_GB", "PUBLISHED")
    assert {"value": "12.5", "currency": "GBP"} in offer["pricingSummary"].values()


def test_new_items_with_and_without_offers(inventory):
    assert inventory.new_item(offer="none")["offers"] == []
    (draft,) = inventory.new_item(offer="unpublished")["offers"]
    assert (draft["status"], draft["listingId"]) == ("UNPUBLISHED", None)
    rows = inventory.sim.control("POST", "/stock", {"seller": SELLER, "count": 3, "offer": "none"})["items"]
    assert len({row["sku"] for row in rows}) == 3


def test_changed_item(sim, inventory):
    row = inventory.new_item()
    fields = {"seller": SELLER, "sku": row["sku"], "quantity": 99, "title": "T", "price": 1}
    sim.control("PATCH", "/stock", fields | {"overrides": {"product": {"brand": "B"}, "condition": None}})
    item = inventory.item(row["sku"]).json()
    assert (item["product"]["title"], item["product"]["brand"]) == ("T", "B")
    assert item["availability"]["shipToLocationAvailability"]["quantity"] == 99
    assert "condition" not in item
    (offer,) = inventory.offers(sku=row["sku"]).json()["offers"]
    assert {price["value"] for price in offer["pricingSummary"].values()} & {"1.0"}


def test_deleted_item_takes_its_offers_along(sim, inventory):
    row = inventory.new_item(sku="R&D / 1")
    sim.control("DELETE", f"/stock?seller={SELLER}&sku=R%26D%20%2F%201")
    assert inventory.item("R&D / 1").status_code == 404
    assert inventory.offer(row["offers"][0]["offerId"]).status_code == 404
    assert inventory.offers(sku="R&D / 1").json()["errors"][0]["errorId"] == 25702
    again = inventory.new_item(sku="R&D / 1")
    assert again["offers"][0]["offerId"] != row["offers"][0]["offerId"]
    assert inventory.truth("items")[-1]["sku"] == "R&D / 1"


def test_offer_withdrawn_and_published_again_is_another_listing(sim, inventory):
    row = inventory.new_item()
    offer_id = row["offers"][0]["offerId"]
    path = f"/stock/offers/{offer_id}"
    sim.control("PATCH", path, {"seller": SELLER, "sold": 3, "on_hold": True})
    assert inventory.offer(offer_id).json()["listing"]["soldQuantity"] == 3
    sim.control("PATCH", path, {"seller": SELLER, "published": False})
    withdrawn = inventory.offer(offer_id).json()
    assert withdrawn["status"] == "UNPUBLISHED"
    assert "listing" not in withdrawn
    sim.control("PATCH", path, {"seller": SELLER, "published": True})
    listing = inventory.offer(offer_id).json()["listing"]
    assert listing.pop("listingId") != row["offers"][0]["listingId"]
    assert listing == {"listingStatus": "ACTIVE", "soldQuantity": 0}


def test_changed_offer(sim, inventory):
    offer_id = inventory.new_item()["offers"][0]["offerId"]
    fields = {"seller": SELLER, "listing_status": "ENDED", "price": 3.21, "overrides": {"lotSize": 4}}
    assert sim.control("PATCH", f"/stock/offers/{offer_id}", fields) == inventory.offer(offer_id).json()
    offer = inventory.offer(offer_id).json()
    assert (offer["listing"]["listingStatus"], offer["lotSize"]) == ("ENDED", 4)
    assert "3.21" in {price["value"] for price in offer["pricingSummary"].values()}


def test_offers_are_added_and_deleted(sim, inventory):
    sku = inventory.new_item(offer="none")["sku"]
    fields = {"seller": SELLER, "sku": sku, "marketplace_id": "EBAY_IT", "published": False}
    bare = sim.control("POST", "/stock/offers", fields)
    assert (bare["status"], bare["pricingSummary"], bare["listingPolicies"]) == ("UNPUBLISHED", {}, {})
    sim.control("POST", "/stock/offers", fields, status=400)
    sim.control("DELETE", f"/stock/offers/{bare['offerId']}?seller={SELLER}")
    assert inventory.offers(sku=sku).json()["errors"][0]["errorId"] == 25713


def test_legacy_skus_are_unreachable_and_the_truth_says_so(sim, inventory):
    offer_id = inventory.new_item(legacy=True)["offers"][0]["offerId"]
    truth = sim.control("GET", f"/truth/offers?seller={SELLER}")
    assert offer_id in truth["unreachable"]
    assert offer_id not in {offer["offerId"] for offer in truth["offers"]}
    assert inventory.offer(offer_id).status_code == 200


def test_lists_page(sim, inventory):
    for path, key in (("/truth/items", "items"), ("/truth/offers", "offers"), ("/stock", "items")):
        whole = sim.control("GET", f"{path}?seller={SELLER}")
        page = sim.control("GET", f"{path}?seller={SELLER}&offset=5&limit=2")
        assert (page[key], page["total"]) == (whole[key][5:7], whole["total"])


def test_reset_gives_the_stock_back(sim, inventory):
    inventory.new_item()
    sim.control("POST", "/stock/drift", {"per_page": 1})
    sim.control("POST", "/reset", {"stock": 12})
    assert len(Inventory(sim).stock()) == 12
    assert sim.control("GET", "/state")["stock"] == {
        "items": 12,
        "changes_per_minute": 0,
        "sort": "oldest_first",
        "offset": "page",
        "links": "absolute",
        "drift": {},
    }


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/reset", {"stock": -1}),
        ("POST", "/reset", {"stock_sort": "sideways"}),
        ("POST", "/reset", {"inventory_offset": "column"}),
        ("POST", "/reset", {"inventory_links": "none"}),
        ("POST", "/stock", {"seller": "nobody"}),
        ("POST", "/stock", {"seller": SELLER, "sku": "x" * 51}),
        ("POST", "/stock", {"seller": SELLER, "sku": "x", "count": 2}),
        ("POST", "/stock", {"seller": SELLER, "sku": "C++ 13"}),
        ("POST", "/stock", {"seller": SELLER, "offer": "maybe"}),
        ("POST", "/stock", {"seller": SELLER, "price": 0}),
        ("POST", "/stock", {"seller": SELLER, "overrides": {"sku": "y"}}),
        ("PATCH", "/stock", {"seller": SELLER, "sku": "nothing", "quantity": 1}),
        ("PATCH", "/stock", {"seller": SELLER, "sku": "R&D-17", "quantity": 1, "title": 7}),
        ("DELETE", f"/stock?seller={SELLER}&sku=nothing", None),
        ("POST", "/stock/offers", {"seller": SELLER, "sku": "R&D-17", "marketplace_id": "EBAY_MOON"}),
        ("POST", "/stock/offers", {"seller": SELLER, "sku": "R&D-17", "format": "RAFFLE"}),
        ("PATCH", "/stock/offers/1", {"seller": SELLER}),
        ("DELETE", f"/stock/offers/1?seller={SELLER}", None),
        ("POST", "/stock/change", {"seller": SELLER, "kind": "explode"}),
        ("POST", "/stock/drift", {"per_page": 1, "kind": "modify"}),
        ("GET", "/truth/offers", None),
    ],
)
def test_wrong_call_says_so_and_changes_nothing(sim, inventory, method, path, body):
    before = (inventory.truth("items"), inventory.truth("offers"), sim.control("GET", "/state")["stock"])
    assert sim.control(method, path, body, status=400)["error"]
    after = (inventory.truth("items"), inventory.truth("offers"), sim.control("GET", "/state")["stock"])
    assert after == before
