"""getTransactions: grammar, paging, errors (03 §5.1)."""

from urllib.parse import parse_qs, urlsplit

import pytest

from ebayconnector.simulator import api_finances
from ebayconnector.simulator.times import parse_iso

from .conftest import API, counted, error_id
from .finances import PATH, US_SELLER, Finances, key_of

TYPES = {"SALE", "REFUND", "CREDIT", "DISPUTE", "NON_SALE_CHARGE", "SHIPPING_LABEL", "TRANSFER", "ADJUSTMENT"}


@pytest.fixture
def caller(sim):
    return Finances(sim)


@pytest.fixture
def frozen(sim):
    sim.freeze()
    return Finances(sim)


def dates(start, end=""):
    return f"transactionDate:[{start}..{end}]"


def old(caller):
    caller.sim.control("POST", "/finances", {"generation": "v1.9"})


def test_default_page(caller):
    page = caller.get("/transaction").json()
    assert (page["limit"], page["offset"], len(page["transactions"])) == (20, 0, 20)
    assert page["href"].startswith(f"{caller.sim.url}{PATH}/transaction?")
    assert "prev" not in page


def test_following_next_gives_every_transaction_once(caller):
    found, url = [], f"{caller.sim.url}{PATH}/transaction?limit=50"
    while url:
        page = caller.sim.http.get(
            url, headers={"Authorization": f"Bearer {caller.token}"}, timeout=30
        ).json()
        found += [key_of(row) for row in page["transactions"]]
        url = page.get("next")
    assert sorted(found) == sorted(key_of(row) for row in caller.truth())
    assert len(found) == len(set(found)) == page["total"]
    assert len(found) > 150


def test_next_keeps_all_filters(caller):
    given = [dates(caller.ago(60), caller.ago(0)), "transactionType:{SALE}"]
    page = caller.get("/transaction", *given, limit=5, offset=5).json()
    for name, offset in (("next", "10"), ("prev", "0")):
        query = parse_qs(urlsplit(page[name]).query)
        assert (query["filter"], query["offset"], query["limit"]) == (given, [offset], ["5"])


def test_newest_first_and_ascending_when_sorted(frozen):
    rows = frozen.rows()
    assert rows == sorted(rows, key=lambda row: row["transactionDate"], reverse=True)
    assert frozen.rows(sort="transactionDate") == rows[::-1]


def test_old_contract_does_not_sort(frozen):
    old(frozen)
    assert frozen.rows(sort="transactionDate") == frozen.rows()


def test_nothing_is_204_without_a_body(caller):
    day = caller.ago(3000), caller.ago(2990)
    answer = caller.get("/transaction", dates(*day))
    assert (answer.status_code, answer.content) == (204, b"")


def test_offset_beyond_the_end_is_204(caller):
    assert caller.get("/transaction", offset=5_000).status_code == 204


def test_seller_without_orders_has_nothing(sim):
    sim.control("POST", "/sellers", {"username": "new_shop", "orders": 0})
    shop = Finances(sim, "new_shop")
    assert [shop.get(path).status_code for path in ("/transaction", "/payout", "/seller_funds_summary")] == [
        204,
        204,
        204,
    ]
    assert shop.get("/payout_summary").json() == {"payoutCount": 0, "transactionCount": 0}


def test_range_is_inclusive_at_both_ends(frozen):
    rows = frozen.rows(sort="transactionDate")[40:44]
    at = [row["transactionDate"] for row in rows]
    assert [row["transactionDate"] for row in frozen.rows(dates(at[1], at[1]))] == [at[1]]
    assert frozen.rows(dates(at[0], at[3]), sort="transactionDate") == rows


def test_open_end_is_ninety_days_or_now(frozen):
    start = parse_iso(frozen.ago(200))
    rows = frozen.rows(dates(frozen.ago(200)))
    wanted = [
        row for row in frozen.truth() if 0 <= parse_iso(row["transactionDate"]) - start <= 90 * 86_400_000
    ]
    assert rows == wanted[::-1] != []
    recent = frozen.rows(dates(frozen.ago(10)))
    assert recent[0] == frozen.truth()[-1]


@pytest.mark.parametrize(("generation", "days"), [("v1.9", 90), ("v1.18", 5 * 365)])
def test_default_range(frozen, generation, days):
    frozen.sim.control("POST", "/finances", {"generation": generation})
    start = frozen.ago(days)
    wanted = [key_of(row) for row in frozen.truth() if row["transactionDate"] >= start]
    assert [key_of(row) for row in frozen.rows()] == wanted[::-1]


@pytest.mark.parametrize(("generation", "days"), [("v1.9", 90), ("v1.18", 1_096)])
def test_longest_range(frozen, generation, days):
    frozen.sim.control("POST", "/finances", {"generation": generation})
    assert frozen.get("/transaction", dates(frozen.ago(days), frozen.ago(0))).status_code == 200
    answer = frozen.get("/transaction", dates(frozen.ago(days + 0.001), frozen.ago(0)))
    assert (answer.status_code, error_id(answer)) == (400, 135008)


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_type_filter(frozen, kind):
    frozen.sim.control("POST", "/sellers", {"username": "large", "orders": 2_000})
    large = Finances(frozen.sim, "large")
    wanted = [row for row in large.truth() if row["transactionType"] == kind]
    assert large.rows(f"transactionType:{{{kind}}}") == wanted[::-1][:1000] != []


@pytest.mark.parametrize(
    "status",
    ["PAYOUT", "FUNDS_PROCESSING", "FUNDS_AVAILABLE_FOR_PAYOUT", "FUNDS_ON_HOLD", "COMPLETED"],
)
def test_status_filter(frozen, status):
    frozen.sim.control("POST", "/sellers", {"username": "large", "orders": 2_000})
    frozen.sim.control("POST", "/clock", {"advance_s": 3 * 3600})
    large = Finances(frozen.sim, "large")
    for _hour in range(24):
        wanted = [row for row in large.truth() if row["transactionStatus"] == status]
        if wanted:
            break
        large.advance(1 / 24)
    assert large.rows(f"transactionStatus:{{{status}}}") == wanted[::-1][:1000] != []


def test_filters_of_an_order_a_buyer_and_a_payout(frozen):
    truth = frozen.truth()
    sale = next(row for row in truth if row["transactionType"] == "SALE" and "payoutId" in row)
    for name, value, of_row in (
        ("orderId", sale["orderId"], lambda row: row.get("orderId")),
        ("buyerUsername", sale["buyer"]["username"], lambda row: row.get("buyer", {}).get("username")),
        ("payoutId", sale["payoutId"], lambda row: row.get("payoutId")),
    ):
        wanted = [row for row in truth if of_row(row) == value]
        assert frozen.rows(f"{name}:{{{value}}}") == wanted[::-1]


def test_several_filters_must_all_hold(frozen):
    refund = next(row for row in frozen.truth() if row["transactionType"] == "REFUND")
    of_order = f"orderId:{{{refund['orderId']}}}"
    assert frozen.rows(of_order, "transactionType:{REFUND}") == [refund]
    assert frozen.rows(of_order, dates(frozen.ago(0), frozen.ago(0))) == []
    assert frozen.rows(f"{of_order},transactionType:{{REFUND}}") == [refund]


def test_id_filter_reaches_beyond_the_default_range(frozen):
    old(frozen)
    aged = frozen.truth()[0]
    found = frozen.rows(
        f"transactionId:{{{aged['transactionId']}}}", f"transactionType:{{{aged['transactionType']}}}"
    )
    assert [key_of(row) for row in found] == [key_of(aged)]


def test_transaction_id_needs_the_type(caller):
    row = caller.rows()[0]
    answer = caller.get("/transaction", f"transactionId:{{{row['transactionId']}}}")
    assert (answer.status_code, error_id(answer)) == (400, 135009)


def test_sales_record_is_nought_everywhere(frozen):
    assert {row["salesRecordReference"] for row in frozen.rows()} == {"0"}
    assert frozen.rows("salesRecordReference:{0}") == frozen.rows()
    assert frozen.rows("salesRecordReference:{123}") == []


def test_limit_is_ignored_beside_an_id(frozen):
    payouts = [row for row in frozen.payouts() if row["transactionCount"] > 3]
    by_payout = f"payoutId:{{{payouts[0]['payoutId']}}}"
    page = frozen.get("/transaction", by_payout, limit=1).json()
    assert len(page["transactions"]) == page["total"] == payouts[0]["transactionCount"]
    assert "next" not in page


def test_ignored_limit_may_mean_the_default_page(frozen):
    frozen.sim.control("POST", "/sellers", {"username": "weekly", "orders": 1})
    frozen.sim.control("POST", "/sellers", {"username": "weekly2", "orders": 600})  # number 8: paid weekly
    frozen.sim.control("POST", "/finances", {"ignored_limit": "default"})
    weekly = Finances(frozen.sim, "weekly2")
    payout = max(weekly.payouts(), key=lambda row: row["transactionCount"])
    page = weekly.get("/transaction", f"payoutId:{{{payout['payoutId']}}}", limit=1000).json()
    assert (page["limit"], len(page["transactions"])) == (20, 20)
    assert page["total"] == payout["transactionCount"]
    assert "next" in page


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("transactionType:{SALES}", 135006),
        ("transactionType:{SALE|REFUND}", 135006),
        ("transactionType:SALE", 135006),
        ("transactionStatus:{PAID}", 135007),
        ("transactionStatus:{}", 135007),
        ("transactionDate:2026-01-01T00:00:00.000Z", 135008),
        ("transactionDate:[2026-01-01T00:00:00.000Z]", 135008),
        ("transactionDate:[..2026-01-01T00:00:00.000Z]", 135008),
        ("transactionDate:[2026-01-01T00:00:00.000+00:00Z..]", 135008),
        ("transactionDate:[2026-01-01..2026-01-02]", 135008),
        ("transactionDate:[2026-01-01T00:00:00.000Z..tomorrow]", 135008),
        ("transactionDate:[2026-01-02T00:00:00.000Z..2026-01-01T00:00:00.000Z]", 135008),
    ],
)
def test_bad_filters(caller, given, expected):
    answer = caller.get("/transaction", given)
    assert (answer.status_code, error_id(answer)) == (400, expected)


@pytest.mark.parametrize(
    ("name", "value"),
    [("limit", "0"), ("limit", "1001"), ("limit", "x"), ("limit", ""), ("offset", "-1"), ("offset", "1.5")],
)
def test_bad_paging(caller, name, value):
    answer = caller.get("/transaction", **{name: value})
    assert (answer.status_code, error_id(answer)) == (400, 135003)


@pytest.mark.parametrize("value", ["-transactionDate", "amount", ""])
def test_bad_sort(caller, value):
    assert error_id(caller.get("/transaction", sort=value)) == 135005


def test_error_has_ebays_shape(caller):
    body = caller.get("/transaction", limit=0).json()["errors"][0]
    assert body["domain"] == "API_FINANCES"
    assert body["message"] == "The value of pagination is invalid."


def test_types_of_the_new_contract_are_unknown_to_the_old(caller):
    old(caller)
    assert error_id(caller.get("/transaction", "transactionType:{ADJUSTMENT}")) == 135006


def test_marketplace_header_is_tolerated(caller):
    answer = caller.get("/transaction", headers={"X-EBAY-C-MARKETPLACE-ID": "EBAY_DE"})
    assert answer.status_code == 200


@pytest.mark.parametrize("scope", [API, f"{API}/sell.fulfillment"])
def test_scope_is_needed(sim, scope):
    answer = sim.get(f"{PATH}/transaction", sim.mint(US_SELLER, scopes=[scope]))
    assert (answer.status_code, error_id(answer)) == (403, 1100)


def test_quota_is_its_own(sim):
    caller = Finances(sim)
    sim.control("POST", "/quotas", {"api": "finances", "limit": 1})
    assert caller.get("/payout").status_code == 200
    assert error_id(caller.get("/transaction")) == 2001
    assert sim.orders().status_code == 200


def test_faults_answer_in_its_shape(caller):
    caller.sim.control("POST", "/faults", {"path": "finances", "kind": "server_error"})
    answer = caller.get("/transaction")
    assert (answer.status_code, error_id(answer)) == (500, 135000)


def test_calls_show_in_the_request_log(caller):
    caller.get("/transaction", "transactionType:{SALE}", limit=7)
    entry = caller.sim.control("GET", "/requests?path=finances/v1/transaction")["requests"][-1]
    assert (entry["method"], entry["status"], entry["seller"]) == ("GET", 200, US_SELLER)
    assert "filter=transactionType" in entry["query"]


@pytest.mark.parametrize(("kind", "types"), [("create", {"SALE"}), ("refund", {"REFUND"})])
def test_rows_shift_between_pages(caller, kind, types):
    caller.sim.freeze()
    caller.sim.control(
        "POST", "/drift", {"seller": US_SELLER, "per_page": 3, "kind": kind, "api": "finances"}
    )
    before = {key_of(row) for row in caller.truth()}
    first = caller.rows(limit=20)
    second = caller.rows(limit=20, offset=20)
    assert {key_of(row) for row in first} & {key_of(row) for row in second} != set()
    news = [row for row in caller.truth() if key_of(row) not in before]
    assert {row["transactionType"] for row in news} == types
    assert {row["transactionDate"] for row in news} == {caller.sim.now()}


def test_drift_of_the_other_api_leaves_orders_alone(caller):
    caller.sim.control(
        "POST", "/drift", {"seller": US_SELLER, "per_page": 3, "kind": "create", "api": "finances"}
    )
    caller.sim.orders(caller.token)
    assert len(caller.sim.truth(US_SELLER)) == 120
    caller.rows(limit=1)
    assert len(caller.sim.truth(US_SELLER)) == 123


def test_a_page_from_20_000_orders_makes_its_own_bodies_only(sim, monkeypatch):
    made = counted(monkeypatch, api_finances, "transaction_body")
    sim.control("POST", "/sellers", {"username": "giant", "orders": 20_000})
    giant = Finances(sim, "giant")
    assert giant.get("/transaction", limit=1).json()["total"] > 25_000
    sim.control("POST", "/orders/change", {"seller": "giant", "count": 10})
    made.clear()
    assert giant.rows(limit=200, offset=10_000)
    assert len(made) == 200
