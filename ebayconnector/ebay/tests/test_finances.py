from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

from ebayconnector.ebay import endpoints, errors, finances

from .loopback import answer, json_answer, rest_error

START = datetime(2026, 10, 1, tzinfo=UTC)
END = START + timedelta(days=31, microseconds=-1)
WINDOW = "[2026-10-01T00:00:00.000Z..2026-10-31T23:59:59.999Z]"
NOTHING = answer(204, b"", None)


def sale(number: int, kind: str = "SALE") -> dict:
    return {"transactionId": f"05-{number}", "transactionType": kind}


def page(items: list, total: int, following: str | None = None, key: str = "transactions"):
    return json_answer({key: items, "total": total, "next": following})


def sent(connected) -> list[list[tuple[str, str]]]:
    return [parse_qsl(urlsplit(request.target).query) for request in connected.server.requests]


def test_transactions_are_asked_for_by_their_date_in_overlapping_pages(connect):
    following = "https://apiz.ebay.com/x?offset=9"
    connected = connect(
        page([sale(n) for n in range(3)], 5, following), page([sale(n) for n in (2, 3, 4)], 5)
    )
    pages = list(finances.transaction_pages(connected.client, modified_from=START, modified_to=END, limit=3))
    assert [[item["transactionId"] for item in found.items] for found in pages] == [
        ["05-0", "05-1", "05-2"],
        ["05-2", "05-3", "05-4"],
    ]
    assert connected.server.requests[0].path == "/sell/finances/v1/transaction"
    dates = ("filter", f"transactionDate:{WINDOW}")
    assert sent(connected) == [
        [dates, ("limit", "3"), ("offset", "0")],
        [dates, ("limit", "3"), ("offset", "2")],
    ]


def test_204_is_an_empty_page(connect):
    connected = connect(NOTHING, NOTHING)
    window = {"modified_from": START, "modified_to": END}
    for source in (finances.transaction_pages, finances.payout_pages):
        (found,) = source(connected.client, **window)
        assert (found.items, found.total, found.has_next) == ([], 0, False)


def test_without_a_limit_ten_pages_stay_below_ebays_deepest_offset(connect):
    connected = connect(NOTHING)
    list(finances.transaction_pages(connected.client, modified_from=START, modified_to=END))
    assert sent(connected)[0][1] == ("limit", "350")


def test_each_filter_is_a_parameter_of_its_own(connect):
    connected = connect(page([sale(1)], 1))
    (found,) = finances.transactions_with_status(
        connected.client, "FUNDS_ON_HOLD", start=START, end=END, limit=10, overlap=1
    )
    assert found.items == [sale(1)]
    assert sent(connected)[0] == [
        ("filter", "transactionStatus:{FUNDS_ON_HOLD}"),
        ("filter", f"transactionDate:{WINDOW}"),
        ("limit", "10"),
        ("offset", "0"),
    ]


def test_brackets_travel_percent_encoded(connect):
    connected = connect(NOTHING)
    finances.transactions_of_payout(connected.client, "5000000001")
    assert "filter=payoutId%3A%7B5000000001%7D&" in connected.server.requests[0].target


def test_a_payout_whose_transactions_all_come_at_once(connect):
    items = [sale(1), sale(1, "REFUND"), sale(2)]
    connected = connect(page(items, 3, "https://apiz.ebay.com/x?limit=20&offset=20"))
    assert finances.transactions_of_payout(connected.client, "5") == items


def test_a_payout_whose_transactions_come_in_pages_of_ebays_own_size(connect):
    connected = connect(
        page([sale(1), sale(2)], 3, "https://apiz.ebay.com/x?limit=2&offset=2"), page([sale(2), sale(3)], 3)
    )
    assert finances.transactions_of_payout(connected.client, "5") == [sale(1), sale(2), sale(3)]
    assert sent(connected)[1] == [("filter", "payoutId:{5}"), ("limit", "2"), ("offset", "2")]


def test_a_payout_of_nothing(connect):
    assert finances.transactions_of_payout(connect(NOTHING).client, "5") == []


@pytest.mark.parametrize(
    "script",
    [
        [page([sale(1)], 2)],
        [page([sale(1)], 2, "https://x/?offset=1"), page([sale(1)], 2)],
        [page([sale(1)], 2, "https://x/?offset=1"), NOTHING],
        [page([sale(1)], 3, "https://x/?offset=1"), page([], 3)],
    ],
    ids=["no next", "the same again", "204 after a page", "an empty page"],
)
def test_a_payout_that_is_not_given_whole_is_a_bad_answer(connect, script):
    connected = connect(*script)
    with pytest.raises(errors.BadAnswer, match="getTransactions: 1 transactions where the total says"):
        finances.transactions_of_payout(connected.client, "5")


@pytest.mark.parametrize("payout_id", ["", "5}", "{5", "5|6", "[5..6]"])
def test_what_would_become_another_filter_is_refused(connect, payout_id):
    with pytest.raises(ValueError, match="payoutId cannot be"):
        finances.transactions_of_payout(connect().client, payout_id)


def test_one_transaction_is_asked_for_with_its_type(connect):
    connected = connect(page([sale(1), sale(1, "REFUND")], 2))
    assert finances.get_transaction(connected.client, "05-1", "REFUND") == sale(1, "REFUND")
    assert sent(connected)[0][:2] == [
        ("filter", "transactionId:{05-1}"),
        ("filter", "transactionType:{REFUND}"),
    ]


def test_a_transaction_that_ebay_does_not_have(connect):
    assert finances.get_transaction(connect(NOTHING).client, "05-1", "SALE") is None


def test_another_transaction_than_asked_for_is_a_bad_answer(connect):
    connected = connect(page([sale(1, "REFUND")], 1))
    with pytest.raises(errors.BadAnswer, match="other transactions"):
        finances.get_transaction(connected.client, "05-1", "SALE")


def test_payouts_are_asked_for_by_their_date(connect):
    connected = connect(page([{"payoutId": "1"}], 1, key="payouts"))
    (found,) = finances.payout_pages(connected.client, modified_from=START, modified_to=END)
    assert found.items == [{"payoutId": "1"}]
    assert connected.server.requests[0].path == "/sell/finances/v1/payout"
    assert sent(connected)[0] == [
        ("filter", f"payoutDate:{WINDOW}"),
        ("limit", "200"),
        ("offset", "0"),
    ]


def test_funds_and_no_funds(connect):
    funds = {"totalFunds": {"value": "5.00", "currency": "USD"}}
    connected = connect(json_answer(funds), NOTHING)
    assert finances.funds_summary(connected.client) == funds
    assert finances.funds_summary(connected.client) is None


def test_a_transfer_is_there_or_not_found_but_never_empty(connect):
    connected = connect(json_answer({"transferId": "7/1"}), rest_error(404, 135012), *[NOTHING] * 3)
    assert finances.get_transfer(connected.client, "7/1") == {"transferId": "7/1"}
    assert connected.server.requests[0].target == "/sell/finances/v1/transfer/7%2F1"
    with pytest.raises(errors.NotFound):
        finances.get_transfer(connected.client, "7")
    with pytest.raises(errors.BadAnswer, match="empty body"):
        finances.get_transfer(connected.client, "7")


def test_naive_times_are_refused_at_once(connect):
    client, naive = connect().client, datetime(2026, 10, 1)
    with pytest.raises(ValueError, match="time zone"):
        finances.transaction_pages(client, modified_from=naive, modified_to=END)
    with pytest.raises(ValueError, match="time zone"):
        finances.payout_pages(client, modified_from=START, modified_to=naive)


def test_every_call_is_signed_and_repeatable():
    calls = [call for call in vars(endpoints).values() if getattr(call, "api", "") == "finances"]
    assert calls
    assert all(call.signed and call.repeatable and call.host == "apiz" for call in calls)
