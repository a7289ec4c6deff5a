"""GetMyeBaySelling's ActiveList as 03 §3.6 describes it."""

import pytest

from .conftest import SELLER
from .trading import advance, error, find, find_all, pagination, post, read, reset, texts, truth, written

PRIVATE_SELLER = "flohmarkt_anna"
ITEM = "ActiveList/ItemArray/Item"


def selling(sim, token=None, *, inside=None, active="", seller=SELLER):
    inside = f"<ActiveList>{active}</ActiveList>" if inside is None else inside
    return post(sim, token or sim.mint(seller), call="GetMyeBaySelling", inside=inside)


def all_items(sim, entries=20, active="", seller=SELLER):
    token, found, page, pages = sim.mint(seller), [], 0, 1
    while page < pages:
        page += 1
        answer = selling(sim, token, active=active + pagination(entries, page))
        found += find_all(answer, ITEM)
        pages = int(find(answer, "ActiveList/PaginationResult/TotalNumberOfPages") or 0)
    return found


def item_id(element):
    return element.findtext("{*}ItemID")


def all_ids(sim, **kwargs):
    return [item_id(element) for element in all_items(sim, **kwargs)]


def item(sim, wanted):
    return next((one for one in all_items(sim, entries=200) if item_id(one) == wanted), None)


def add(sim, **fields):
    return sim.control("POST", "/listings", {"seller": SELLER, **fields})["itemIds"]


def steady(pairs):
    return [pair for pair in pairs if pair[0] not in ("TimeLeft", "WatchCount")]


def test_all_pages_are_what_is_true(sim):
    reset(sim)
    shown = {
        item_id(one): steady(read(one)) for one in all_items(sim, active="<IncludeNotes>1</IncludeNotes>")
    }
    # `EndsAt` is what eBay does not say.
    listings = [
        {name: value for name, value in row.items() if name != "EndsAt"} for row in truth(sim, "listings")
    ]
    assert shown == {row["ItemID"]: written(row) for row in listings}
    assert len(shown) > 60


def test_the_truth_says_when_a_listing_ends(sim):
    now = reset(sim)
    wanted = advance(sim, hours=75)
    sim.control("POST", "/clock", {"now": now})
    (made,) = add(sim, auction=True, ends_at=wanted)
    assert {row["ItemID"]: row["EndsAt"] for row in truth(sim, "listings")}[made] == wanted


def test_totals_of_the_pages(sim):
    reset(sim)
    total = len(truth(sim, "listings"))
    answer = selling(sim, active=pagination(10, 2))
    assert len(find_all(answer, ITEM)) == 10
    assert find(answer, "ActiveList/PaginationResult/TotalNumberOfEntries") == str(total)
    assert find(answer, "ActiveList/PaginationResult/TotalNumberOfPages") == str(-(-total // 10))


def test_twenty_five_to_a_page_unless_said_otherwise(sim):
    assert len(find_all(selling(sim), ITEM)) == 25


def test_at_most_two_hundred_to_a_page(sim):
    assert error(selling(sim, active=pagination(201))) == 37


def test_a_page_behind_the_last_one(sim):
    assert error(selling(sim, active=pagination(200, 2))) == 340


def test_no_page_reaches_past_the_ceiling(sim):
    reset(sim)
    sim.control("POST", "/trading", {"active_ceiling": 30})
    total = str(len(truth(sim, "listings")))
    last = selling(sim, active=pagination(20, 2))
    assert len(find_all(last, ITEM)) == 10
    assert find(last, "ActiveList/PaginationResult/TotalNumberOfEntries") == total
    assert error(selling(sim, active=pagination(20, 3))) == 340
    sim.control("POST", "/trading", {"ceiling_totals": "capped"})
    capped = selling(sim, active=pagination(20))
    assert find(capped, "ActiveList/PaginationResult/TotalNumberOfEntries") == "30"


def test_no_list_at_all_when_nothing_is_active(sim):
    reset(sim, stock=0, listings=0)
    answer = selling(sim)
    assert find(answer, "Ack") == "Success"
    assert find_all(answer, "ActiveList") == []


@pytest.mark.parametrize(
    ("inside", "there"),
    [
        ("", 0),
        ("<ActiveList/>", 1),
        ("<ActiveList><Include>true</Include></ActiveList>", 1),
        ("<ActiveList><Include>false</Include></ActiveList>", 0),
        ("<DetailLevel>ReturnAll</DetailLevel>", 1),
        ("<SoldList><Include>true</Include></SoldList>", 0),
    ],
)
def test_the_list_is_there_when_asked_for(sim, inside, there):
    assert len(find_all(selling(sim, inside=inside), "ActiveList")) == there


def test_time_left_differs_from_call_to_call(sim):
    reset(sim)
    before = {item_id(one): one.findtext("{*}TimeLeft") for one in all_items(sim)}
    advance(sim, seconds=1)
    after = {item_id(one): one.findtext("{*}TimeLeft") for one in all_items(sim)}
    assert all(before[one] != after[one] for one in before)
    assert all(text.startswith("P") for text in before.values())


@pytest.mark.parametrize(
    ("hours", "seconds", "text"), [(75, 0, "P3DT3H"), (1, 1, "PT1H1S"), (0, 59, "PT59S"), (48, 0, "P2D")]
)
def test_parts_of_time_left_that_are_zero_are_left_out(sim, hours, seconds, text):
    now = reset(sim)
    wanted = advance(sim, hours=hours, seconds=seconds)
    sim.control("POST", "/clock", {"now": now})
    (made,) = add(sim, auction=True, ends_at=wanted)
    assert item(sim, made).findtext("{*}TimeLeft") == text


def test_watchers_come_and_go(sim):
    reset(sim)
    before = {item_id(one): one.findtext("{*}WatchCount") for one in all_items(sim)}
    advance(sim, hours=1)
    after = {item_id(one): one.findtext("{*}WatchCount") for one in all_items(sim)}
    assert sum(before[one] != after[one] for one in before) > 10
    assert None in before.values() and "0" not in before.values()


def test_a_good_till_cancelled_listing_is_renewed_each_month(sim):
    reset(sim, stock=0, listings=0)
    (made,) = add(sim, started_at=sim.now())
    assert item(sim, made).findtext("{*}TimeLeft") == "P30D"
    advance(sim, days=31)
    assert item(sim, made).findtext("{*}TimeLeft") == "P29D"


def test_variations_with_and_without_sku(sim):
    reset(sim)
    variations = [
        one for row in truth(sim, "listings") for one in row.get("Variations", {"Variation": []})["Variation"]
    ]
    assert any("SKU" in one for one in variations)
    assert any("SKU" not in one for one in variations)
    assert all(one["VariationSpecifics"]["NameValueList"] for one in variations)


def test_quantities_of_variations_add_up(sim):
    reset(sim)
    for row in truth(sim, "listings"):
        if "Variations" in row:
            parts = row["Variations"]["Variation"]
            sold = sum(one["SellingStatus"]["QuantitySold"] for one in parts)
            assert row["QuantityAvailable"] == sum(one["Quantity"] for one in parts) - sold


def test_a_single_variation_is_one_element(sim):
    (made,) = add(sim, variations=[{"quantity": 2, "specifics": {"Größe": "M & L"}}])
    (variation,) = item(sim, made).findall("{*}Variations/{*}Variation")
    assert variation.find("{*}SKU") is None
    assert variation.findtext(".//{*}Value") == "M & L"


def test_variations_can_be_hidden(sim):
    reset(sim)
    inside = f"<ActiveList>{pagination(200)}</ActiveList><HideVariations>true</HideVariations>"
    answer = selling(sim, inside=inside)
    assert find_all(answer, f"{ITEM}/Variations") == []
    assert len(find_all(answer, ITEM)) == len(truth(sim, "listings"))


def test_auctions_have_bids_and_fixed_prices_have_not(sim):
    reset(sim)
    rows = truth(sim, "listings")
    assert {row["ListingType"] for row in rows} == {"Chinese", "FixedPriceItem"}
    for row in rows:
        auction = row["ListingType"] == "Chinese"
        assert ("BidCount" in row["SellingStatus"]) is auction
        assert ("BuyItNowPrice" in row) is not auction


def test_bids_only_grow_and_raise_the_price(sim):
    reset(sim)
    made = add(sim, auction=True, count=12, price=10)
    seen = []
    for _ in range(6):
        advance(sim, days=1)
        rows = {row["ItemID"]: row["SellingStatus"] for row in truth(sim, "listings")}
        seen.append([(rows[one]["BidCount"], float(rows[one]["CurrentPrice"]["value"])) for one in made])
    for earlier, later in zip(seen, seen[1:], strict=False):
        assert all(a <= b for a, b in zip(earlier, later, strict=True))
    assert sum(bids for bids, _ in seen[-1]) > sum(bids for bids, _ in seen[0])


def test_an_auction_leaves_the_list_when_its_time_is_over(sim):
    reset(sim)
    (made,) = add(sim, auction=True)
    advance(sim, days=6, hours=23)
    assert item(sim, made) is not None
    advance(sim, hours=1)
    assert item(sim, made) is None


def test_some_listings_begin_later(sim):
    reset(sim)
    before = {row["ItemID"] for row in truth(sim, "listings")}
    now = advance(sim, days=6)
    began = [row for row in truth(sim, "listings") if row["ItemID"] not in before]
    assert began
    assert all(row["ListingDetails"]["StartTime"] <= now for row in began)


def test_listings_are_those_of_the_orders(sim):
    reset(sim, orders=300)
    rows = {row["ItemID"]: row for row in truth(sim, "listings")}
    orders = sim.control("GET", f"/truth/orders?seller={SELLER}")["orders"]
    lines = [line for order in orders for line in order["lineItems"] if line["legacyItemId"] in rows]
    assert len({line["legacyItemId"] for line in lines}) > 30
    for line in lines:
        row = rows[line["legacyItemId"]]
        skus = {row.get("SKU")} | {
            v.get("SKU") for v in row.get("Variations", {"Variation": []})["Variation"]
        }
        assert line.get("sku") in skus
        assert row["Title"] == line["title"]


def test_listings_agree_with_the_offers(sim):
    reset(sim)
    rows = {row["ItemID"]: row for row in truth(sim, "listings")}
    offers = [
        one for one in sim.control("GET", f"/truth/offers?seller={SELLER}")["offers"] if "listing" in one
    ]
    assert {one["listing"]["listingStatus"] for one in offers} > {"ACTIVE", "OUT_OF_STOCK"}
    for offer in offers:
        row = rows.get(offer["listing"]["listingId"])
        if offer["listing"]["listingStatus"] not in ("ACTIVE", "OUT_OF_STOCK"):
            assert row is None
            continue
        parts = row["Variations"]["Variation"] if "Variations" in row else [row]
        part = next(one for one in parts if one.get("SKU") == offer["sku"])
        price = offer["pricingSummary"].get("price") or offer["pricingSummary"]["auctionStartPrice"]
        listed = part.get("StartPrice") or part["BuyItNowPrice"]
        assert (listed["value"], listed["currencyID"]) == (price["value"], price["currency"])
        if "availableQuantity" in offer and part is row:
            assert row["QuantityAvailable"] == offer["availableQuantity"]


def test_two_sizes_of_one_listing_are_its_variations(sim):
    reset(sim)
    sizes = [
        [one["SKU"][-1] for one in row["Variations"]["Variation"]]
        for row in truth(sim, "listings")
        if row.get("Variations", {"Variation": [{}]})["Variation"][0].get("SKU", "").startswith("GB-V")
    ]
    assert sizes == [["S", "M"], ["S", "M"]]


def test_a_listing_that_an_item_took_over_ends_with_it(sim):
    reset(sim)
    made = sim.control("POST", "/stock", {"seller": SELLER})["items"][0]
    listing_id = made["offers"][0]["listingId"]
    assert all_ids(sim).count(listing_id) == 1
    sim.control("DELETE", f"/stock?seller={SELLER}&sku={made['sku']}")
    assert listing_id not in all_ids(sim)


def test_an_offer_that_is_published_later_starts_then(sim):
    reset(sim)
    advance(sim, days=1)
    made = sim.control("POST", "/stock", {"seller": SELLER, "sku": "LATE"})["items"][0]
    started = item(sim, made["offers"][0]["listingId"]).findtext("{*}ListingDetails/{*}StartTime")
    assert started[:19] == sim.now()[:19]


def test_out_of_stock_stays_on_the_list_hidden_from_search(sim):
    (made,) = add(sim, quantity=0)
    element = item(sim, made)
    assert element.findtext("{*}QuantityAvailable") == "0"
    assert element.findtext("{*}ReasonHideFromSearch") == "OutOfStock"


def test_revising_a_listing(sim):
    (made,) = add(sim, title="Old", price=5, quantity=3)
    revision = {"title": "New", "price": 7.5, "quantity": 9, "sold": 2, "sku": "S-1"}
    sim.control("PATCH", f"/listings/{made}", {"seller": SELLER, **revision})
    element = item(sim, made)
    shown = [element.findtext(f"{{*}}{name}") for name in ("Title", "Quantity", "QuantityAvailable", "SKU")]
    assert shown == ["New", "11", "9", "S-1"]
    assert element.findtext("{*}SellingStatus/{*}CurrentPrice") == "7.5"
    sim.control("PATCH", f"/listings/{made}", {"seller": SELLER, "sku": None})
    assert item(sim, made).find("{*}SKU") is None


def test_a_listing_that_is_away_is_not_listed_and_comes_back_as_it_was(sim):
    reset(sim)
    before = truth(sim, "listings")
    wanted = add(sim)[0]
    there = all_ids(sim)
    sim.control("POST", f"/listings/{wanted}/away", {"seller": SELLER})
    assert set(there) - set(all_ids(sim)) == {wanted}
    assert len(truth(sim, "listings")) == len(before)
    sim.control("POST", f"/listings/{wanted}/away", {"seller": SELLER, "away": False})
    assert all_ids(sim) == there


def test_ending_listings_of_both_kinds(sim):
    reset(sim)
    (own,) = add(sim)
    offer = next(
        one for one in sim.control("GET", f"/truth/offers?seller={SELLER}")["offers"]
        if one.get("listing", {}).get("listingStatus") == "ACTIVE"
    )  # fmt: skip
    for ended in (own, offer["listing"]["listingId"]):
        sim.control("DELETE", f"/listings/{ended}?seller={SELLER}")
        assert ended not in all_ids(sim)
    left = sim.control("GET", f"/truth/offers?seller={SELLER}")["offers"]
    assert next(one for one in left if one["offerId"] == offer["offerId"])["status"] == "UNPUBLISHED"


def test_a_listing_of_an_offer_is_not_revised_here(sim):
    listed = sim.control("POST", "/stock", {"seller": SELLER})["items"][0]["offers"][0]["listingId"]
    sim.control("PATCH", f"/listings/{listed}", {"seller": SELLER, "title": "x"}, status=400)


@pytest.mark.parametrize("wrong", [{"variations": [{"quantity": -1}]}, {"price": 0}, {"variations": {}}])
def test_a_revision_that_cannot_be_changes_nothing(sim, wrong):
    (made,) = add(sim, title="Old")
    sim.control("PATCH", f"/listings/{made}", {"seller": SELLER, "title": "New", **wrong}, status=400)
    assert item(sim, made).findtext("{*}Title") == "Old"


def test_notes_only_when_asked_for(sim):
    asked = all_items(sim, active="<IncludeNotes>true</IncludeNotes>")
    assert any(one.findtext("{*}PrivateNotes") for one in asked)
    assert not any(one.findtext("{*}PrivateNotes") for one in all_items(sim))


def test_private_sellers_have_limits_that_move(sim):
    reset(sim)
    left = int(find(selling(sim, seller=PRIVATE_SELLER), "Summary/QuantityLimitRemaining"))
    sim.control("POST", "/listings", {"seller": PRIVATE_SELLER, "quantity": 7})
    assert int(find(selling(sim, seller=PRIVATE_SELLER), "Summary/QuantityLimitRemaining")) == left - 7
    assert find(selling(sim), "Summary/QuantityLimitRemaining") is None


@pytest.mark.parametrize("name", ["ItemID", "Title", "StartTime", "QuantityAvailable"])
def test_sorted_both_ways(sim, name):
    reset(sim)
    path = "{*}ListingDetails/{*}StartTime" if name == "StartTime" else f"{{*}}{name}"
    kind = int if name == "QuantityAvailable" else str
    up = [kind(one.findtext(path)) for one in all_items(sim, active=f"<Sort>{name}</Sort>")]
    down = [kind(one.findtext(path)) for one in all_items(sim, active=f"<Sort>{name}Descending</Sort>")]
    assert up == sorted(up)
    assert down == up[::-1] != up


def test_what_ends_first_comes_first(sim):
    now = reset(sim, stock=0, listings=0)
    ends = advance(sim, days=2)
    sim.control("POST", "/clock", {"now": now})
    fixed, first, second = (*add(sim), *add(sim, auction=True, ends_at=ends), *add(sim, auction=True))
    assert all_ids(sim) == [first, second, fixed]


def test_a_sort_of_no_such_name(sim):
    assert error(selling(sim, active="<Sort>Colour</Sort>")) == 5


def test_too_many_calls_of_one_user_in_fifteen_seconds(sim):
    reset(sim)
    sim.control("POST", "/trading", {"selling_calls": 2})
    token, other = sim.mint(), sim.mint(PRIVATE_SELLER)
    assert [find(selling(sim, token), "Ack") for _ in range(2)] == ["Success", "Success"]
    assert error(selling(sim, token)) == 21919144
    assert find(selling(sim, other), "Ack") == "Success"
    assert find(post(sim, token, call="GetMyeBayBuying"), "Ack") == "Success"
    advance(sim, seconds=15)
    assert find(selling(sim, token), "Ack") == "Success"


def test_three_hundred_calls_are_allowed(sim):
    assert sim.control("GET", "/trading")["selling_calls"] == 300


def test_listings_change_at_the_rate_of_the_clock(sim):
    reset(sim, listing_changes_per_minute=2)
    before = {row["ItemID"]: row for row in truth(sim, "listings")}
    advance(sim, hours=1)
    after = {row["ItemID"]: row for row in truth(sim, "listings")}
    assert set(after) - set(before) and set(before) - set(after)
    assert sum(before[one] != after[one] for one in set(before) & set(after)) > 20


def test_ends_while_somebody_pages_hide_a_listing_from_the_pass(sim):
    reset(sim, stock=0, listings=60)
    sim.control("POST", "/listings/drift", {"seller": SELLER, "per_page": 20, "kind": "end", "pages": 1})
    found = all_ids(sim, active="<Sort>ItemID</Sort>", entries=10)
    left = {row["ItemID"] for row in truth(sim, "listings")}
    assert len(found) == len(set(found))
    assert left - set(found)


def test_changes_by_hand_are_told(sim):
    reset(sim)
    changed = sim.control("POST", "/listings/change", {"seller": SELLER, "kind": "title", "count": 3})[
        "itemIds"
    ]
    titles = {row["ItemID"]: row["Title"] for row in truth(sim, "listings")}
    assert changed and all("NEW" in titles[one] for one in changed)


def test_item_ids_are_unique_in_a_large_shop(sim):
    reset(sim, listings=3_000, stock=500)
    rows = sim.control("GET", f"/truth/listings?seller={SELLER}&limit=5000")["listings"]
    ids = [row["ItemID"] for row in rows]
    assert len(ids) == len(set(ids)) > 3_000
    assert texts(selling(sim, active=pagination(200, 15)), f"{ITEM}/ItemID")
