"""That the records of Trading, Post-Order and disputes, as mapped, fit their tables."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from syncworkers.models import (
    ActiveListing,
    Case,
    CaseDetail,
    Inquiry,
    InquiryDetail,
    Message,
    MessageBody,
    PaymentDispute,
    PaymentDisputeDetail,
    Purchase,
    Return,
    ReturnDetail,
)
from syncworkers.registry import TABLES, WORKERS
from syncworkers.services.store import upsert_page
from tests.factories import AccountFactory

from .records_of_trading import (
    BODY,
    CASE,
    CASE_DETAIL,
    DISPUTE,
    DISPUTE_DETAIL,
    INQUIRY,
    INQUIRY_DETAIL,
    LISTING,
    MESSAGE,
    PURCHASE,
    RETURN,
    RETURN_DETAIL,
    VARIED,
)

pytestmark = pytest.mark.django_db

ROWS = [
    ("messages", MESSAGE, Message),
    ("message_bodies", BODY, MessageBody),
    ("active_inventory", LISTING, ActiveListing),
    ("buyer", PURCHASE, Purchase),
    ("cases", CASE, Case),
    ("case_details", CASE_DETAIL, CaseDetail),
    ("inquiries", INQUIRY, Inquiry),
    ("inquiry_details", INQUIRY_DETAIL, InquiryDetail),
    ("returns", RETURN, Return),
    ("return_details", RETURN_DETAIL, ReturnDetail),
    ("payment_disputes", DISPUTE, PaymentDispute),
    ("payment_dispute_details", DISPUTE_DETAIL, PaymentDisputeDetail),
]


@pytest.fixture
def account():
    return AccountFactory(token=False)


def store(account, table: str, *records):
    result = upsert_page(TABLES[table], account, list(records))
    assert result.bad == []
    return result


@pytest.mark.parametrize(("table", "record", "model"), ROWS)
def test_a_record_is_stored_as_it_was_mapped(account, table, record, model):
    assert store(account, table, record).stored == 1
    row = model.objects.get()
    assert row.payload == record
    for name, value in TABLES[table].mapper(record).columns.items():
        assert getattr(row, name) == value, name
    assert str(row)
    assert store(account, table, record).unchanged == 1


@pytest.mark.parametrize(("table", "record", "model"), ROWS)
def test_the_key_as_text_is_that_of_the_row(account, table, record, model):
    store(account, table, record)
    row = model.objects.get()
    names = TABLES[table].natural_key
    assert TABLES[table].record_key(record) == "/".join(getattr(row, name) for name in names)


def test_a_listing_and_its_variations_are_rows_of_their_own(account):
    store(account, "active_inventory", LISTING, VARIED)
    assert set(ActiveListing.objects.values_list("item_id", "variation_key")) == {
        ("110012345678", ""),
        ("110012345678", "ABC-1-RED"),
    }


@pytest.mark.parametrize(
    "later",
    [
        {"TimeLeft": "P24DT3H", "AsOf": "2026-11-22T20:00:00.250Z"},
        {"TimeLeft": "P24DT3H1S", "AsOf": "2026-11-22T19:59:58.999Z"},
        # The whole hours that are left.
        {"TimeLeft": "P24DT2H", "AsOf": "2026-11-22T20:00:00.250Z"},
        {"WatchCount": "3"},
    ],
)
def test_what_differs_from_answer_to_answer_is_no_change(account, later):
    store(account, "active_inventory", LISTING)
    assert store(account, "active_inventory", LISTING | later).unchanged == 1


def test_a_listing_that_is_renewed_ends_later(account):
    store(account, "active_inventory", LISTING)
    renewed = LISTING | {"TimeLeft": "P29DT23H", "AsOf": "2026-12-17T00:00:00.000Z"}
    assert store(account, "active_inventory", renewed).stored == 1
    assert ActiveListing.objects.get().ends_at == datetime(2027, 1, 15, 23, tzinfo=UTC)


@pytest.mark.parametrize("missing", [{"TimeLeft": None}, {"AsOf": None}, {"ListingDetails": {}}])
def test_a_listing_of_which_nobody_knows_how_long_it_runs_is_stored(account, missing):
    assert store(account, "active_inventory", LISTING | missing).stored == 1
    assert store(account, "active_inventory", LISTING | missing).unchanged == 1


def test_a_listing_that_ends_at_nonsense_is_set_aside(account):
    result = upsert_page(TABLES["active_inventory"], account, [LISTING | {"TimeLeft": "soon"}])
    assert [bad.error for bad in result.bad] == ["TimeLeft is not a duration"]
    assert not ActiveListing.objects.exists()


def test_a_sale_is_a_change(account):
    store(account, "active_inventory", LISTING)
    assert store(account, "active_inventory", LISTING | {"QuantityAvailable": "2"}).stored == 1
    assert ActiveListing.objects.get().available == 2


def test_a_flag_is_a_change_but_no_reason_to_read_the_text_again(account):
    store(account, "messages", MESSAGE)
    Message.objects.update(detail_at=datetime(2026, 11, 21, tzinfo=UTC))
    assert store(account, "messages", MESSAGE | {"Replied": "true"}).stored == 1
    row = Message.objects.get()
    assert (row.is_replied, row.detail_at is None) == (True, False)


@pytest.mark.parametrize(
    ("table", "record", "model", "closed"),
    [
        (
            "cases",
            CASE,
            Case,
            {"caseStatusEnum": "CS_CLOSED", "lastModifiedDate": {"value": "2026-11-09T00:00:00Z"}},
        ),
        ("inquiries", INQUIRY, Inquiry, {"inquiryStatusEnum": "CLOSED"}),
        ("returns", RETURN, Return, {"state": "CLOSED"}),
    ],
)
def test_trouble_is_looked_at_again_until_it_is_closed(account, table, record, model, closed):
    store(account, table, record)
    model.objects.update(detail_at=datetime(2026, 11, 21, tzinfo=UTC))
    row = model.objects.get()
    assert (row.maturity, row.check_at is None) == ("open", False)
    store(account, table, record | closed)
    row = model.objects.get()
    assert (row.maturity, row.check_at, row.detail_at) == ("final", None, None)


def test_what_the_details_told_stays_when_the_record_changes(account):
    store(account, "cases", CASE)
    Case.objects.update(case_type="RETURN", order_id="12-1")
    store(account, "cases", CASE | {"respondByDate": None})
    row = Case.objects.get()
    assert (row.case_type, row.order_id, row.respond_by_at) == ("RETURN", "12-1", None)


@pytest.mark.parametrize("model", [Case, Inquiry, Return, PaymentDispute])
def test_what_only_the_details_tell_is_empty_at_first(account, model):
    table, record, _ = next(each for each in ROWS if each[2] is model)
    store(account, table, record)
    mapped = TABLES[table].mapper(record).columns
    told = {
        "Case": "case_type",
        "Inquiry": "state",
        "Return": "close_reason",
        "PaymentDispute": "seller_response",
    }
    name = told[model.__name__]
    assert name not in mapped
    assert getattr(model.objects.get(), name) == ""


@pytest.mark.parametrize(
    ("table", "record", "path"),
    [
        ("messages", MESSAGE, "ReceiveDate"),
        ("cases", CASE, "creationDate"),
        ("inquiries", INQUIRY, "creationDate"),
        ("returns", RETURN, "creationInfo.creationDate"),
        ("payment_disputes", DISPUTE, "openDate"),
    ],
)
def test_a_bad_record_still_says_when_it_was(account, table, record, path):
    assert TABLES[table].time_field == path
    key = TABLES[table].natural_key[0]
    broken = {name: ([] if name.lower() == key.replace("_", "") else value) for name, value in record.items()}
    (bad,) = upsert_page(TABLES[table], account, [broken]).bad
    mapped = TABLES[table].mapper(record)
    expected = mapped.occurred_at or mapped.columns["opened_at"]
    assert bad.modified_at == expected


def test_every_column_that_details_tell_is_one_of_the_record():
    for worker in WORKERS.values():
        for step in worker.steps:
            learn = getattr(step, "learn", None)
            if learn is not None:
                records = [record for table, record, _ in ROWS if table == step.into.key]
                assert {field.name for field in step.of.model._meta.get_fields()} >= set(learn(records))
                assert learn(records)


def test_the_raw_html_is_there_and_nothing_else_is(account):
    store(account, "message_bodies", BODY, {"MessageID": "2"})
    assert [body.html for body in MessageBody.objects.order_by("id")] == [BODY["Text"], ""]
