from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncworkers.mappers.cases import (
    case_detail_row,
    case_row,
    inquiry_detail_row,
    inquiry_row,
    learned_of_case,
    learned_of_inquiry,
)
from syncworkers.mappers.disputes import dispute_detail_row, dispute_row, learned_of_dispute
from syncworkers.mappers.post_order_values import moment
from syncworkers.mappers.reading import Maturity, Unmappable
from syncworkers.mappers.returns import learned_of_return, return_detail_row, return_row

from .records_of_trading import (
    CASE,
    CASE_DETAIL,
    DISPUTE,
    DISPUTE_DETAIL,
    INQUIRY,
    INQUIRY_DETAIL,
    RETURN,
    RETURN_DETAIL,
)
from .test_inventory_mappers import anything, changed

RECORDS = [
    (case_row, CASE, "caseId"),
    (case_detail_row, CASE_DETAIL, "caseId"),
    (inquiry_row, INQUIRY, "inquiryId"),
    (inquiry_detail_row, INQUIRY_DETAIL, "inquiryId"),
    (return_row, RETURN, "returnId"),
    (return_detail_row, RETURN_DETAIL, "returnId"),
    (dispute_row, DISPUTE, "paymentDisputeId"),
    (dispute_detail_row, DISPUTE_DETAIL, "paymentDisputeId"),
]
EVERY_FIELD = [(mapper, record, name) for mapper, record, _ in RECORDS for name in record]
LEARNING = [
    (learned_of_case, CASE_DETAIL),
    (learned_of_inquiry, INQUIRY_DETAIL),
    (learned_of_return, RETURN_DETAIL),
    (learned_of_dispute, DISPUTE_DETAIL),
]
ENDED = {"maturity": "final", "respond_by_at": None}


def on(day: int) -> datetime:
    return datetime(2026, 11, day, 10, tzinfo=UTC)


def test_a_case_becomes_columns():
    row = case_row(CASE)
    assert row.columns == {
        "case_id": "5000000001",
        "item_id": "1100",
        "transaction_id": "900",
        "buyer": "b",
        "seller": "s",
        "case_status": "OPEN",
        "claim_amount": Decimal("12.5"),
        "currency": "USD",
        "respond_by_at": on(5),
    }
    assert (row.occurred_at, row.modified_at) == (on(1), on(2))


def test_an_inquiry_becomes_columns():
    row = inquiry_row(INQUIRY)
    assert row.columns == {
        "inquiry_id": "5000000002",
        "item_id": "1100",
        "transaction_id": "901",
        "buyer": "b",
        "seller": "s",
        "inquiry_status": "WAITING_SELLER_RESPONSE",
        "claim_amount": Decimal("7"),
        "currency": "EUR",
        "respond_by_at": on(6),
    }
    assert (row.occurred_at, row.modified_at) == (on(3), on(4))


def test_a_return_becomes_columns():
    row = return_row(RETURN)
    assert row.columns == {
        "return_id": "5000000009",
        "order_id": "12-00001-00001",
        "item_id": "1100",
        "transaction_id": "900",
        "quantity": 1,
        "buyer": "b",
        "seller": "s",
        "state": "RETURN_REQUESTED",
        "status": "READY_FOR_SHIPPING",
        "return_type": "MONEY_BACK",
        "reason": "DEFECTIVE_ITEM",
        "reason_type": "SNAD",
        "refund_estimated": Decimal("20.1"),
        "refund_actual": Decimal("19.5"),
        "currency": "USD",
        "activity_due": "SELLER_APPROVE_REQUEST",
        "respond_by_at": on(10),
        "case_id": "5000000001",
    }
    assert (row.occurred_at, row.modified_at) == (on(7), None)


def test_a_dispute_becomes_columns():
    assert dispute_row(DISPUTE).columns == {
        "payment_dispute_id": "5000000011",
        "order_id": "12-00001-00001",
        "buyer": "b",
        "dispute_status": "ACTION_NEEDED",
        "reason": "ITEM_NOT_RECEIVED",
        "amount": Decimal("20.00"),
        "currency": "USD",
        "opened_at": on(1),
        "respond_by_at": on(8),
        "ended_at": None,
    }


def test_a_refund_in_another_currency_is_left_empty():
    columns = return_row(
        changed(RETURN, "sellerTotalRefund", "estimatedRefundAmount", "currency", to="EUR")
    ).columns
    assert (columns["refund_estimated"], columns["refund_actual"], columns["currency"]) == (
        None, Decimal("19.5"), "USD",
    )  # fmt: skip


def test_an_estimated_refund_alone_has_its_currency():
    columns = return_row(changed(RETURN, "sellerTotalRefund", "actualRefundAmount", to=None)).columns
    assert (columns["refund_estimated"], columns["refund_actual"], columns["currency"]) == (
        Decimal("20.1"), None, "USD",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("mapper", "record", "name", "final"),
    [
        (case_row, CASE, "caseStatusEnum", {"CLOSED", "CS_CLOSED"}),
        (inquiry_row, INQUIRY, "inquiryStatusEnum", {"CLOSED", "CS_CLOSED", "CLOSED_WITH_ESCALATION"}),
        (return_row, RETURN, "state", {"CLOSED"}),
        (return_row, RETURN, "status", {"CLOSED"}),
    ],
)
def test_only_what_is_closed_is_final(mapper, record, name, final):
    known = {"OPEN", "WAITING_CS", "ESCALATED", "PENDING", "OTHER", "NEW_TO_US", None} | final
    ended = {status for status in known if mapper(record | {name: status}).maturity is Maturity.FINAL}
    assert ended == final
    assert mapper(record | {name: "OPEN"}).maturity is Maturity.OPEN


def test_details_become_columns_and_tell_them_of_the_record():
    told = {
        "case_type": "RETURN",
        "initiator": "BUYER",
        "escalate_reason": "NO_REFUND",
        "return_id": "5000000009",
        "escalated_at": on(1),
        "refund_due_at": on(9),
    }
    row = case_detail_row(CASE_DETAIL)
    assert row.columns == {"case_id": "5000000001", "case_status": "OPEN", **told}
    assert row.modified_at == on(2)
    assert learned_of_case([CASE_DETAIL], listed=True) == told
    assert learned_of_case([CASE_DETAIL]) == {**told, "case_status": "OPEN", "maturity": "open"}


def test_a_closed_case_is_final_though_the_search_does_not_say_so():
    told = learned_of_case([CASE_DETAIL | {"status": "CS_CLOSED"}])
    assert told.items() >= {"case_status": "CS_CLOSED", **ENDED}.items()
    assert "case_status" not in learned_of_case([CASE_DETAIL | {"status": "CS_CLOSED"}], listed=True)


def test_an_escalated_inquiry_is_told_by_its_details():
    told = {"state": "CREATED", "refund_due_at": on(12), "escalated_at": None}
    assert learned_of_inquiry([INQUIRY_DETAIL], listed=True) == told
    when = {"value": "2026-11-08T10:00:00.000Z"}
    escalated = changed(INQUIRY_DETAIL, "inquiryDetails", "escalationDate", to=when)
    escalated["status"] = "CLOSED_WITH_ESCALATION"
    assert learned_of_inquiry([escalated]) == {
        "state": "CREATED",
        "refund_due_at": on(12),
        "inquiry_status": "CLOSED_WITH_ESCALATION",
        "escalated_at": on(8),
        **ENDED,
    }


def test_a_return_learns_its_last_activity():
    own = {"last_activity_at": on(9), "close_reason": "REFUNDED"}
    assert learned_of_return([RETURN_DETAIL], listed=True) == own


def test_of_a_return_that_is_not_listed_the_summary_tells_all_but_what_it_has_not():
    summary = {**RETURN, "state": "CLOSED", "sellerResponseDue": None, "orderId": None}
    told = learned_of_return([RETURN_DETAIL | {"summary": summary}])
    expected = {"state": "CLOSED", "status": "READY_FOR_SHIPPING", "maturity": "final"}
    expected |= {"refund_actual": Decimal("19.5"), "activity_due": "", "respond_by_at": None}
    assert told.items() >= expected.items()
    assert not {"order_id", "return_id"} & set(told)


def test_a_dispute_learns_its_revision():
    assert learned_of_dispute([DISPUTE_DETAIL], listed=True) == {
        "revision": 3,
        "seller_response": "CONTEST",
        "outcome": "SELLER_WIN",
        "protection_status": "FULLY_PROTECTED",
    }


def test_of_a_dispute_that_is_not_listed_its_details_tell_all():
    closed = {"paymentDisputeStatus": "CLOSED", "closedDate": "2026-11-09T10:00:00.000Z"}
    told = learned_of_dispute([DISPUTE_DETAIL | closed | {"respondByDate": None}])
    expected = {"revision": 3, "dispute_status": "CLOSED", "ended_at": on(9), "respond_by_at": None}
    assert told.items() >= expected.items()
    assert "payment_dispute_id" not in told


@pytest.mark.parametrize(("learned", "record"), LEARNING)
def test_no_details_and_nonsense_tell_nothing(learned, record):
    assert learned([]) == {}
    assert learned([{}]) == {}
    nonsense = {name: ["nonsense"] for name in record}
    assert learned([nonsense]) == {}


def test_what_the_details_say_no_longer_is_no_longer_so():
    told = learned_of_case([changed(CASE_DETAIL, "caseDetails", to={})])
    assert (told["refund_due_at"], told["escalated_at"], told["case_type"]) == (None, None, "RETURN")
    told = learned_of_return([changed(RETURN_DETAIL, "detail", to={})], listed=True)
    assert told == {"last_activity_at": None, "close_reason": ""}


@pytest.mark.parametrize(
    "value", [{"value": "2026-11-02T10:00:00.000Z", "formattedValue": "x"}, "2026-11-02T10:00:00.000Z"]
)
def test_a_date_may_be_an_object_or_a_text(value):
    assert moment({"a": {"b": value}}, "a", "b") == on(2)


@pytest.mark.parametrize("value", [None, {}, "", {"value": None}, {"formattedValue": "Nov 2"}])
def test_a_date_may_be_missing(value):
    assert moment({"a": value}, "a") is None


@pytest.mark.parametrize(("mapper", "record", "key"), RECORDS)
def test_nothing_but_the_key_is_needed(mapper, record, key):
    assert set(mapper({key: "1"}).columns.values()) <= {"1", "", None}
    assert mapper({key: 1}).columns.keys() == mapper(record).columns.keys()
    for missing in (None, ""):
        with pytest.raises(Unmappable, match=f"{key} is missing"):
            mapper(record | {key: missing})


@pytest.mark.parametrize(("mapper", "record", "name"), EVERY_FIELD)
def test_each_field_may_be_null(mapper, record, name):
    if name.endswith("Id") and (mapper, record, name) in RECORDS:
        return
    assert mapper(record | {name: None}).columns.keys() == mapper(record).columns.keys()


@pytest.mark.parametrize(
    ("mapper", "record", "words"),
    [
        (case_row, CASE | {"claimAmount": {"value": "much"}}, "claimAmount is not an amount"),
        (case_row, CASE | {"creationDate": {"value": "today"}}, "creationDate.value is not a time"),
        (case_row, CASE | {"caseId": True}, "caseId is not a text"),
        (inquiry_row, INQUIRY | {"buyer": {}}, "buyer is not a text"),
        (inquiry_detail_row, INQUIRY_DETAIL | {"inquiryDetails": []}, "inquiryDetails.escalationDate"),
        (
            return_row,
            changed(RETURN, "creationInfo", "item", "returnQuantity", to="1"),
            "returnQuantity is not",
        ),
        (return_row, RETURN | {"escalationInfo": "x"}, "escalationInfo.caseId"),
        (
            return_detail_row,
            changed(RETURN_DETAIL, "detail", "responseHistory", to={}),
            "responseHistory is not",
        ),
        (
            dispute_row,
            DISPUTE | {"openDate": {"value": "2026-11-01T10:00:00.000Z"}},
            "openDate is not a time",
        ),
        (dispute_detail_row, DISPUTE_DETAIL | {"revision": "3"}, "revision is not a whole number"),
    ],
)
def test_nonsense_is_refused_and_the_field_named(mapper, record, words):
    with pytest.raises(Unmappable) as refused:
        mapper(record)
    assert words in str(refused.value)


@given(st.sampled_from(EVERY_FIELD), anything)
def test_whatever_comes_is_mapped_or_refused_never_a_crash(place, value):
    mapper, record, name = place
    try:
        row = mapper(record | {name: value})
    except Unmappable as refused:
        assert name in str(refused)
    else:
        assert not any(isinstance(column, float | list | dict) for column in row.columns.values())


@given(st.sampled_from(LEARNING), anything, st.data())
def test_whatever_comes_is_learned_or_refused_never_a_crash(place, value, data):
    learned, record = place
    name = data.draw(st.sampled_from(sorted(record)))
    try:
        told = learned([record | {name: value}])
    except Unmappable as refused:
        assert name in str(refused) or name == "summary"
    else:
        assert isinstance(told, dict)
