"""GetMyeBayBuying's WonList and BidList as 03 §3.7 describes them."""

import pytest

from .conftest import SELLER
from .trading import advance, error, find, find_all, pagination, post, read, reset, texts, truth, written

ENTRY = "WonList/OrderTransactionArray/OrderTransaction"
SIXTY = "<DurationInDays>60</DurationInDays>"


def buying(sim, token=None, *, inside=None, won=SIXTY):
    inside = f"<WonList>{won}</WonList>" if inside is None else inside
    return post(sim, token or sim.mint(), call="GetMyeBayBuying", inside=inside)


def line_ids(answer):
    return [one.text for one in answer_root(answer).iter("{*}OrderLineItemID")]


def answer_root(answer):
    return find_all(answer, "WonList")[0]


def add(sim, **fields):
    return sim.control("POST", "/purchases", {"seller": SELLER, **fields})["orderLineItemIds"]


def field(sim, line_id, name):
    for transaction in answer_root(buying(sim)).iter("{*}Transaction"):
        if transaction.findtext("{*}OrderLineItemID") == line_id:
            return transaction.findtext(f"{{*}}{name}")
    return None


def test_the_list_is_what_is_true(sim):
    reset(sim)
    rows = [{k: v for k, v in row.items() if k != "ids"} for row in truth(sim, "purchases")]
    shown = [read(one) for one in find_all(buying(sim, won=SIXTY + "<Sort>EndTime</Sort>"), ENTRY)]
    assert sorted(map(str, shown)) == sorted(str(written(row)) for row in rows)
    assert len(rows) > 10


def test_newest_first_unless_said_otherwise(sim):
    dates = [max(one.text for one in entry.iter("{*}CreatedDate")) for entry in find_all(buying(sim), ENTRY)]
    assert dates == sorted(dates, reverse=True)


def test_auctions_have_the_transaction_id_zero(sim):
    reset(sim)
    seen = set()
    for transaction in answer_root(buying(sim)).iter("{*}Transaction"):
        number, item_id = transaction.findtext("{*}TransactionID"), transaction.findtext("{*}Item/{*}ItemID")
        auction = transaction.findtext("{*}Item/{*}ListingType") == "Chinese"
        assert (number == "0") is auction
        assert transaction.findtext("{*}OrderLineItemID") == f"{item_id}-{number}"
        seen.add(auction)
    assert seen == {True, False}


def test_line_items_are_unique(sim):
    reset(sim, purchases=400)
    ids = line_ids(buying(sim)) + line_ids(buying(sim, won=SIXTY + pagination(200, 2)))
    assert len(ids) == len(set(ids)) > 200


def test_no_auction_is_won_twice(sim):
    ids = add(sim, auction=True, count=5_000)
    assert len(set(ids)) == 5_000
    assert all(one.endswith("-0") for one in ids)


@pytest.mark.parametrize(("days", "code"), [(61, 37), (-1, 37), ("x", 5)])
def test_durations_that_cannot_be(sim, days, code):
    assert error(buying(sim, won=f"<DurationInDays>{days}</DurationInDays>")) == code


def test_only_purchases_of_the_asked_days(sim):
    reset(sim, purchases=200)
    now = sim.now()
    month, all_of_it = line_ids(buying(sim, won="")), line_ids(buying(sim, won=SIXTY + pagination(200)))
    week = buying(sim, won="<DurationInDays>7</DurationInDays>")
    advance(sim, days=-7)
    oldest = sim.now()
    assert set(line_ids(week)) < set(month) < set(all_of_it)
    assert min(texts(week, f"{ENTRY}/Transaction/CreatedDate")) >= oldest
    assert max(texts(week, f"{ENTRY}/Transaction/CreatedDate")) <= now


def test_a_purchase_leaves_after_sixty_days(sim):
    reset(sim, purchases=0)
    (line_id,) = add(sim)
    advance(sim, days=60)
    assert line_ids(buying(sim)) == [line_id]
    advance(sim, seconds=1)
    assert find_all(buying(sim), ENTRY) == []
    assert truth(sim, "purchases") == []


def test_an_empty_list_has_zeros_and_no_array(sim):
    reset(sim, purchases=0)
    answer = buying(sim)
    assert find(answer, "WonList/PaginationResult/TotalNumberOfEntries") == "0"
    assert find_all(answer, "WonList/OrderTransactionArray") == []


def test_pages(sim):
    reset(sim)
    entries = len(truth(sim, "purchases"))
    pages = -(-entries // 5)
    seen = []
    for page in range(1, pages + 1):
        answer = buying(sim, won=SIXTY + pagination(5, page))
        assert find(answer, "WonList/PaginationResult/TotalNumberOfEntries") == str(entries)
        assert find(answer, "WonList/PaginationResult/TotalNumberOfPages") == str(pages)
        seen += line_ids(answer)
    assert sorted(seen) == sorted(line for row in truth(sim, "purchases") for line in row["ids"])
    assert error(buying(sim, won=SIXTY + pagination(5, pages + 1))) == 340


def test_paid_and_shipped_appear_later(sim):
    reset(sim, purchases=0)
    (line_id,) = add(sim)
    assert field(sim, line_id, "BuyerPaidStatus") == "NotPaid"
    assert field(sim, line_id, "PaidTime") is None
    paid, shipped = advance(sim, hours=3), advance(sim, hours=20)
    sim.control("PATCH", f"/purchases/{line_id}", {"seller": SELLER, "paid_at": paid, "shipped_at": shipped})
    assert (field(sim, line_id, "PaidTime"), field(sim, line_id, "ShippedTime")) == (paid, shipped)
    assert field(sim, line_id, "BuyerPaidStatus") == "Paid"
    advance(sim, hours=-1)
    assert (field(sim, line_id, "PaidTime"), field(sim, line_id, "ShippedTime")) == (paid, None)
    advance(sim, hours=-20)
    assert field(sim, line_id, "BuyerPaidStatus") == "PaymentPending"
    sim.control("PATCH", f"/purchases/{line_id}", {"seller": SELLER, "paid_at": None, "shipped_at": None})
    advance(sim, hours=40)
    assert field(sim, line_id, "BuyerPaidStatus") == "NotPaid"


def test_purchases_are_paid_as_time_goes_by(sim):
    reset(sim, purchases=300)
    before = {row["ids"][0]: row for row in truth(sim, "purchases") if "Transaction" in row}
    advance(sim, days=2)
    after = {row["ids"][0]: row for row in truth(sim, "purchases") if "Transaction" in row}
    both = [(before[one]["Transaction"], after[one]["Transaction"]) for one in set(before) & set(after)]
    for name in ("PaidTime", "ShippedTime"):
        assert any(name not in earlier and name in later for earlier, later in both)
        assert all(name in later for earlier, later in both if name in earlier)


def test_combined_purchases_keep_their_keys(sim):
    reset(sim, purchases=0)
    ids = add(sim, together=3)
    assert find_all(buying(sim), f"{ENTRY}/Order") == []
    assert find(buying(sim), "WonList/PaginationResult/TotalNumberOfEntries") == "3"
    advance(sim, hours=6)
    answer = buying(sim)
    assert find(answer, "WonList/PaginationResult/TotalNumberOfEntries") == "1"
    assert sorted(texts(answer, f"{ENTRY}/Order/TransactionArray/Transaction/OrderLineItemID")) == sorted(ids)
    sellers = texts(answer, f"{ENTRY}/Order/TransactionArray/Transaction/Item/Seller/UserID")
    assert len(set(sellers)) == 1


def test_an_order_whose_parts_were_deleted_shows_the_rest(sim):
    reset(sim, purchases=0)
    ids = add(sim, together=2)
    advance(sim, hours=6)
    sim.control("DELETE", f"/purchases/{ids[0]}?seller={SELLER}")
    assert line_ids(buying(sim)) == [ids[1]]
    sim.control("DELETE", f"/purchases/{ids[1]}?seller={SELLER}")
    assert find_all(buying(sim), ENTRY) == []


def test_items_are_listings_of_the_other_seller(sim):
    reset(sim, purchases=150, orders=800)
    sellers = {one["username"] for one in sim.control("GET", "/sellers")["sellers"]} - {SELLER}
    bought = {}
    for transaction in answer_root(buying(sim)).iter("{*}Transaction"):
        name = transaction.findtext("{*}Item/{*}Seller/{*}UserID")
        bought.setdefault(name, []).append(transaction.findtext("{*}Item/{*}ItemID"))
    assert SELLER not in bought
    assert set(bought) - sellers and set(bought) & sellers
    orders = sim.control("GET", "/truth/orders?seller=northwind_parts")["orders"]
    sold = {line["legacyItemId"] for order in orders for line in order["lineItems"]}
    assert len(sold & set(bought["northwind_parts"])) > len(bought["northwind_parts"]) // 2


def test_a_renamed_seller_has_the_new_name(sim):
    reset(sim, purchases=300)
    assert b">northwind_parts<" in buying(sim).content
    sim.control("PATCH", "/sellers/northwind_parts", {"username": "northwind_new"})
    assert b">northwind_parts<" not in buying(sim).content
    assert b">northwind_new<" in buying(sim).content


def bids(sim):
    return buying(sim, inside="<BidList><Include>true</Include></BidList>")


def test_auctions_are_bid_on_before_they_are_won(sim):
    reset(sim)
    running = texts(bids(sim), "BidList/ItemArray/Item/ItemID")
    assert len(running) == 2
    advance(sim, days=1)
    assert texts(bids(sim), "BidList/ItemArray/Item/ItemID") == running[1:]
    assert f"{running[0]}-0" in line_ids(buying(sim))


def test_an_auction_that_somebody_else_gets_is_in_neither_list(sim):
    reset(sim)
    lost = texts(bids(sim), "BidList/ItemArray/Item/ItemID")[1]
    assert texts(bids(sim), "BidList/ItemArray/Item/BiddingDetails/Winning") == ["true", "true"]
    advance(sim, days=1, hours=1)
    assert texts(bids(sim), "BidList/ItemArray/Item/BiddingDetails/Winning") == ["false"]
    advance(sim, days=2)
    assert find_all(bids(sim), "BidList") == []
    assert f"{lost}-0" not in line_ids(buying(sim))


def test_lists_that_nobody_asked_for_are_not_there(sim):
    answer = buying(sim, inside="<WonList><Include>false</Include></WonList><LostList/>")
    assert find(answer, "Ack") == "Success"
    assert find_all(answer, "WonList") == find_all(answer, "BidList") == find_all(answer, "LostList") == []
    everything = buying(sim, inside="<DetailLevel>ReturnAll</DetailLevel>")
    assert find_all(everything, "WonList") and find_all(everything, "BidList")


def test_purchases_come_at_the_rate_of_the_clock(sim):
    reset(sim, purchases=0, purchases_per_minute=0.25)
    assert line_ids(buying(sim)) == []
    now = advance(sim, hours=2)
    answer = buying(sim)
    assert len(line_ids(answer)) == 30
    assert max(texts(answer, f"{ENTRY}/Transaction/CreatedDate")) <= now


def test_changes_by_hand(sim):
    reset(sim, purchases=0)
    (line_id,) = add(sim, auction=True)
    for kind in ("pay", "ship"):
        told = sim.control("POST", "/purchases/change", {"seller": SELLER, "kind": kind})
        assert told["orderLineItemIds"] == [line_id]
    assert field(sim, line_id, "PaidTime") == field(sim, line_id, "ShippedTime") == sim.now()
    again = sim.control("POST", "/purchases/change", {"seller": SELLER, "kind": "pay"})
    assert again["orderLineItemIds"] == []


def test_overrides(sim):
    (line_id,) = add(sim, overrides={"BuyerPaidStatus": "Refunded", "Platform": None})
    assert field(sim, line_id, "BuyerPaidStatus") == "Refunded"
    assert field(sim, line_id, "Platform") is None
    sim.control("POST", "/purchases", {"seller": SELLER, "overrides": {"TransactionID": "1"}}, status=400)


def test_deletions_while_somebody_pages_hide_a_purchase_from_the_pass(sim):
    reset(sim, purchases=60)
    sim.control("POST", "/purchases/drift", {"per_page": 25, "kind": "delete", "pages": 1})
    seen = {line for page in (1, 2, 3) for line in line_ids(buying(sim, won=SIXTY + pagination(10, page)))}
    left = {line for row in truth(sim, "purchases") for line in row["ids"]}
    assert len(truth(sim, "purchases")) < 30
    assert left - seen
