"""A user of eBay who is to be forgotten is found in no table: not afterwards, and not after the next sync."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import connection, models
from django.utils import timezone

from accounts.models import AuditEvent, EbayAccount, Notice, User
from ebayconnector.database import execute
from ebayconnector.topics import ERASERS, forget_risen, look_after_inbox, work_inbox
from syncworkers.models import Inquiry, Order, QuarantinedRecord
from syncworkers.personal import PERSONAL
from syncworkers.registry import TABLES
from syncworkers.services import coverage
from syncworkers.services.records import BadRecord
from syncworkers.services.store import upsert_page
from syncworkers.tests.running import run_family, seller_account
from tests.factories import AccountFactory
from tests.test_canary import every_row
from tokens import people
from tokens.models import (
    AccountDeletion,
    ConnectLog,
    ConnectTicket,
    ErasedPerson,
    InboundNotification,
    PersonIndex,
)
from tokens.named_exchanges import remember_exchange
from tokens.services.notices import look_at_account
from tokens.tests.linked import change_token, linked_account
from tokens.tests.test_inbox import notify
from tokens.tests.test_reconnect import OTHER_SELLER, again

CANARY = "zqcanary"
USERNAME = "Zqcanary_Buyer"
USER = {"username": USERNAME.lower(), "userId": "ZqcanaryId1", "eiasToken": "nY+zqcanary=="}

_ADDRESS = {"addressLine1": "Zqcanary Street 7", "city": "Zqcanaryville", "countryCode": "US"}
_CONTACT = {
    "fullName": "Ada Zqcanary",
    "contactAddress": _ADDRESS,
    "email": "ada@zqcanary.example",
    "primaryPhone": {"phoneNumber": "+1zqcanary"},
}
_DATE = {"value": "2026-11-01T10:00:00.000Z"}
_PARTIES = {"itemId": "1", "transactionId": "2", "buyer": USERNAME, "seller": "seller_0"}
_LETTER = {
    "MessageID": "m1", "Sender": USERNAME, "SendingUserID": "ZqcanaryId1", "RecipientUserID": "seller_0",
    "SendToName": "A Seller", "Subject": "zqcanary has a question", "ReceiveDate": "2026-11-01T10:00:00.000Z",
    "Folder": {"FolderID": "0"}, "ItemID": "1", "ItemTitle": "A thing",
}  # fmt: skip

# One record of each table that holds personal data, naming the same user wherever it can.
RECORDS: dict[str, dict] = {
    "orders": {
        "orderId": "o1", "lastModifiedDate": "2026-11-01T10:00:00.000Z",
        "buyerCheckoutNotes": "ring zqcanary",
        "buyer": {"username": USERNAME, "buyerRegistrationAddress": _CONTACT, "taxAddress": _ADDRESS},
        "fulfillmentStartInstructions": [
            {"shippingStep": {"shipTo": _CONTACT}, "finalDestinationAddress": _ADDRESS}
        ],
        "lineItems": [
            {"lineItemId": "l1", "title": "A thing", "sku": "S-1", "giftDetails": {"senderName": CANARY}}
        ],
        "pricingSummary": {"total": {"value": "12.00", "currency": "USD"}},
    },
    "transactions": {
        "transactionId": "t1", "transactionType": "SALE", "transactionDate": "2026-11-01T10:00:00.000Z",
        "buyer": {"username": USERNAME}, "transactionMemo": f"refund for {USERNAME}, thanks",
        "amount": {"value": "12.00", "currency": "USD"}, "bookingEntry": "CREDIT",
    },
    "messages": _LETTER,
    "message_bodies": _LETTER | {"Text": "<p>Regards, Ada Zqcanary</p>", "Content": "zqcanary asks"},
    "active_inventory": {
        "ItemID": "1", "Title": "A thing",
        "SellingStatus": {"BidCount": 1, "HighBidder": {"UserID": USERNAME}},
    },
    "buyer": {
        "OrderLineItemID": "1-2", "Item": {"ItemID": "1", "Title": "A thing", "Seller": {"UserID": USERNAME}},
    },
    "cases": {"caseId": 5, "caseStatusEnum": "OPEN", "creationDate": _DATE, **_PARTIES},
    "case_details": {
        "caseId": "5", "status": "OPEN",
        "caseHistoryDetails": {"history": [{"actor": "BUYER", "description": "zqcanary waits"}]},
    },
    "inquiries": {"inquiryId": 6, "inquiryStatusEnum": "OPEN", "creationDate": _DATE, **_PARTIES},
    "inquiry_details": {
        "inquiryId": "6", "state": "OPEN",
        "inquiryHistoryDetails": {"history": [{"description": "zqcanary waits"}]},
    },
    "returns": {
        "returnId": "7", "buyerLoginName": USERNAME, "sellerLoginName": "seller_0", "state": "RETURN_STARTED",
        "creationInfo": {"creationDate": _DATE, "comments": {"content": "zqcanary is unhappy"}},
    },
    "return_details": {
        "returnId": "7", "summary": {"state": "RETURN_STARTED"},
        "detail": {
            "buyerAddress": {"name": "Ada Zqcanary", "address": _ADDRESS},
            "responseHistory": [{"notes": "zqcanary", "creationDate": _DATE}],
        },
    },
    "payment_disputes": {"paymentDisputeId": "8", "buyerUsername": USERNAME, "paymentDisputeStatus": "OPEN"},
    "payment_dispute_details": {
        "paymentDisputeId": "8", "buyerUsername": USERNAME, "note": "zqcanary called",
        "buyerProvided": {"note": "I am zqcanary"},
    },
}  # fmt: skip

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def account():
    return AccountFactory(username="seller_0")


def store_everything(account) -> dict[str, int]:
    """What was written, by table."""
    results = {key: upsert_page(TABLES[key], account, [record]) for key, record in RECORDS.items()}
    assert [bad for result in results.values() for bad in result.bad] == []
    return {key: result.stored for key, result in results.items()}


def places() -> list[str]:
    """Tables (and job payloads) in which the user still stands."""
    return [name for name, text in every_row().items() if CANARY in text.lower()]


def forget(simulator, user=USER) -> InboundNotification:
    assert notify(simulator, user=user) == 204
    work_inbox()
    row = InboundNotification.objects.latest("pk")
    assert row.status == "done", row.error
    return row


def test_every_table_says_where_it_keeps_people():
    assert set(PERSONAL) == set(TABLES)
    assert {key for key, spec in PERSONAL.items() if spec.parts} == set(RECORDS)
    assert {spec.of for spec in PERSONAL.values()} - {""} <= set(TABLES)


def test_a_deleted_user_stands_in_no_table_and_the_next_sync_does_not_bring_him_back(simulator, account):
    store_everything(account)
    bad = BadRecord("x1", {"orderId": "x1", "buyer": {"username": USERNAME}}, "what zqcanary sent", None)
    coverage.quarantine(account, "orders", "x1", bad, None)
    answer = {"status": 200, "body": f'{{"username":"{USERNAME}","userId":"ZqcanaryId1"}}'}
    exchange = ConnectLog.objects.create(
        organization=account.organization, environment="simulator", action="getUser", source="connect",
        response=answer,
    )  # fmt: skip
    remember_exchange(exchange.pk, environment="simulator", body=answer["body"], account_id=None)
    assert len(places()) >= len(RECORDS)

    row = forget(simulator)

    assert places() == []
    order = Order.objects.get()
    assert (order.buyer_username, order.ship_to_name, str(order.total)) == ("", "", "12.0000")
    assert order.line_items.get().sku == "S-1"
    assert order.erased_at is not None
    wanted = {TABLES[key].model._meta.db_table for key in RECORDS}
    wanted |= {"syncworkers_quarantinedrecord", "ebay_connect_logs"}
    assert set(row.result) == wanted
    act = AuditEvent.objects.get(action="marketplace_account_deletion")
    assert (act.organization, act.detail["rows"]) == (account.organization, row.result)
    assert act.detail["person"] == [person.hex() for person in row.persons]

    # eBay goes on telling about him; nothing is stored, and nothing written again and again.
    assert set(store_everything(account).values()) == {0}
    coverage.quarantine(account, "orders", "x1", bad, None)
    assert places() == []
    assert not PersonIndex.objects.exclude(kind="quarantine").exists()


def test_every_row_that_loses_him_counts_as_changed(simulator, account):
    """Clients of the API ask for what changed."""
    store_everything(account)
    long_ago = timezone.now() - timedelta(days=2)
    for key in RECORDS:
        TABLES[key].model.objects.update(changed_at=long_ago)

    forget(simulator)

    assert [key for key in RECORDS if TABLES[key].model.objects.filter(changed_at=long_ago).exists()] == []


def test_a_changed_record_is_stored_without_him_also_when_ebay_no_longer_names_him(simulator, account):
    store_everything(account)
    forget(simulator)
    later = RECORDS["orders"] | {
        "lastModifiedDate": "2026-11-02T10:00:00.000Z",
        "orderPaymentStatus": "FULLY_REFUNDED",
        "buyer": {"username": "deleted user", "buyerRegistrationAddress": _CONTACT},
    }

    assert upsert_page(TABLES["orders"], account, [later]).stored == 1

    assert places() == []
    assert Order.objects.get().payment_status == "FULLY_REFUNDED"


def test_what_the_details_told_of_a_record_stays_when_he_goes(simulator, account):
    """An inquiry that left the list when it was escalated: only its details said so."""
    store_everything(account)
    told = {"inquiry_status": "CLOSED_WITH_ESCALATION", "maturity": "final", "order_id": "o1", "case_id": "9"}
    Inquiry.objects.update(**told)

    forget(simulator)

    inquiry = Inquiry.objects.get()
    assert {name: getattr(inquiry, name) for name in told} == told
    assert inquiry.buyer == ""
    assert inquiry.erased_at is not None


def test_rows_that_arrive_after_the_notification_are_stored_without_him(simulator, account):
    """History that is read later, of a user of whom nothing was known."""
    assert forget(simulator).result == {}
    store_everything(account)
    assert places() == []


def test_a_page_that_was_being_written_meanwhile_is_found_afterwards(simulator, account, monkeypatch):
    forget(simulator)
    with monkeypatch.context() as patch:
        # What that page's transaction saw: nobody to be left out.
        patch.setattr("tokens.people.buried", lambda persons: set())
        upsert_page(TABLES["orders"], account, [RECORDS["orders"]])
    assert places() != []

    assert look_after_inbox()
    assert forget_risen() == {"ebay_orders": 1}

    assert places() == []
    assert not look_after_inbox()
    assert not ErasedPerson.objects.filter(
        person=people.person_hash("simulator", USERNAME), expires_at__isnull=False
    ).exists()


def test_others_and_other_environments_keep_theirs(simulator, account):
    other = AccountFactory(environment="sandbox", username="seller_0")
    store_everything(account)
    store_everything(other)
    upsert_page(
        TABLES["orders"], account, [RECORDS["orders"] | {"orderId": "o2", "buyer": {"username": "bob"}}]
    )

    forget(simulator)

    assert Order.objects.get(account=other).buyer_username == USERNAME
    assert Order.objects.get(order_id="o2").buyer_username == "bob"


def test_a_deleted_user_who_is_a_connected_account_loses_it_in_every_organisation(simulator):
    accounts = [
        AccountFactory(
            username=USERNAME, ebay_user_id="ZqcanaryId1", eias_token=USER["eiasToken"], house_name=name
        )
        for name in ("Warehouse", "Zqcanary_buyer's shop")
    ]
    store_everything(accounts[0])
    write_of(accounts[1])

    forget(simulator)

    for account in accounts:
        account.refresh_from_db()
        assert not account.is_active
        assert not hasattr(account, "token")
    assert list(EbayAccount.objects.values_list("username", flat=True)) == ["", ""]
    assert AccountDeletion.objects.filter(finished_at=None).count() == 2
    # What is said of it stays, without him.
    act = AuditEvent.objects.get(action="connect_failed")
    assert act.target_label == f"link for deleted account {accounts[1].pk}"
    assert act.detail == {"names": ["[erased]"], "house_name": f"deleted account {accounts[1].pk}", "n": 3}
    assert Notice.objects.get(kind="needs_reconnect", title__contains="deleted").closed_at
    from syncworkers.tasks import delete_account_data

    for account in accounts:
        delete_account_data(account.pk)
    assert EbayAccount.objects.count() == 0
    assert places() == []


def write_of(account) -> None:
    """All that people and machines write about an account, in words that name its user."""
    organization, name = account.organization, account.house_name
    AccountDeletion.objects.create(
        organization=organization, account_id=0, house_name=name, requested_by="olga",
        requested_at=timezone.now(), finished_at=timezone.now(),
    )  # fmt: skip
    AuditEvent.objects.create(
        organization=organization, actor_label="olga", action="connect_failed",
        result=f"{USERNAME} is connected already", target_type="connectticket", target_id="1",
        target_label=f"link for {name}", detail={"names": [USERNAME], "house_name": name.upper(), "n": 3},
    )  # fmt: skip
    ConnectTicket.objects.create(
        organization=organization, house_name=name, purpose="BOTH", environment="simulator", scopes=[],
        secret_hash="h", created_by_label="olga", link_expires_at=timezone.now(), outcome=f"was {USERNAME}",
    )  # fmt: skip
    root = User.objects.create_superuser("root")
    LogEntry.objects.log_actions(root.pk, [account], CHANGE, f"was {name}", single_object=True)
    change_token(account, refresh_error="invalid_grant: revoked")
    look_at_account(account.pk)
    assert USERNAME in account.notices.get().text


def test_somebody_else_who_gave_the_consent_is_kept_in_the_exchanges_alone_and_forgotten(simulator):
    account = linked_account(simulator)
    assert again(account, seller=OTHER_SELLER).status_code == 400
    assert [name for name, text in every_row().items() if OTHER_SELLER in text] == ["table ebay_connect_logs"]

    notify(simulator, seller=OTHER_SELLER)
    work_inbox()

    assert [name for name, text in every_row().items() if OTHER_SELLER in text] == []


def test_what_was_kept_with_names_is_rewritten_by_the_migration(account):
    refused = "Outlet belongs to the eBay user seller_0, but zqcanary gave the consent; nothing was changed."
    twice = "the eBay user zqcanary is connected already, as Outlet; nothing was changed."
    for outcome in (refused, twice, "connected"):
        ConnectTicket.objects.create(
            organization=account.organization, house_name="Outlet", purpose="BOTH", scopes=[],
            environment="simulator", secret_hash=outcome[:64], created_by_label="olga", outcome=outcome,
            link_expires_at=timezone.now(),
        )  # fmt: skip
        AuditEvent.objects.create(organization=account.organization, action="connect_failed", result=outcome)
    migration = import_module("tokens.migrations.0008_outcomes_without_names")
    for statement in migration.STATEMENTS:
        execute(statement)
    kept = {
        "another eBay user gave the consent; nothing was changed",
        "this eBay user is connected already", "connected",
    }  # fmt: skip
    assert set(ConnectTicket.objects.values_list("outcome", flat=True)) == kept
    assert set(AuditEvent.objects.values_list("result", flat=True)) == kept


# Tables whose texts are words of ours, of our people or of machines: nothing that eBay says about a user.
WITHOUT_PEOPLE = {
    "accounts_apikey", "accounts_noticemail", "accounts_organization", "accounts_user", "auth_group",
    "auth_permission", "background_workers", "django_content_type", "django_q_ormq", "django_q_schedule",
    "django_q_task", "django_session", "ebay_api_worker_log", "ebay_health_checks",
    "ebay_inbox", "ebay_notification_keys", "ebay_notification_setups", "ebay_person_index",
    "ebay_scope_definitions", "ebay_snipe_attempts", "ebay_snipe_groups", "ebay_snipe_logs",
    "ebay_sniper_clocks", "ebay_sniper_limits", "ebay_sniper_switch", "ebay_sync_state",
    "ebay_token_refresh_log", "ebay_tokens", "ebay_worker_run", "syncworkers_failedslice",
    "syncworkers_snapshotmiss", "syncworkers_snapshotpart", "syncworkers_snapshotpass",
    "syncworkers_syncswitch", "tokens_apipause", "tokens_apiquota", "tokens_applicationtoken",
    "tokens_processheartbeat", "tokens_refreshcycle", "tokens_signingkey", "tokens_signingkeylease",
}  # fmt: skip
# Tables from which a user's names are taken by what is written for them alone.
BY_HAND = {
    "accounts_auditevent", "accounts_notice", "django_admin_log", "ebay_account_deletions", "ebay_accounts",
    "ebay_connect_logs", "ebay_snipes", "syncworkers_quarantinedrecord", "tokens_connectticket",
}  # fmt: skip


def test_whoever_adds_a_table_with_texts_says_how_people_get_out_of_it():
    texts = (models.CharField, models.TextField, models.JSONField)
    with_texts = {
        model._meta.db_table
        for model in apps.get_models()
        if any(isinstance(field, texts) and not field.choices for field in model._meta.concrete_fields)
    }
    of_tables = {table.model._meta.db_table for table in TABLES.values()}
    children = {"ebay_order_line_items", "ebay_finances_fees", "ebay_finances_transactions"}
    assert with_texts - of_tables - children - WITHOUT_PEOPLE - BY_HAND == set()


def test_the_erasers_may_be_repeated(simulator, account):
    from django.utils.module_loading import import_string

    store_everything(account)
    forget(simulator)
    persons = people.person_hashes("simulator", [USERNAME])
    assert [import_string(path)("simulator", persons) for path in ERASERS] == [{} for _ in ERASERS]


@pytest.mark.slow
def test_after_a_real_sync_the_deletion_holds_through_the_next_one(simulator):
    families = ("orders", "transactions", "returns")
    account = seller_account(simulator)
    for family in families:
        assert run_family(account, family).status == "completed"
    troubled = Order.objects.exclude(buyer_username="").order_by("pk").first()
    name = troubled.payload["buyer"]["buyerRegistrationAddress"].get("fullName") or troubled.buyer_username
    who = {"username": troubled.buyer_username, "userId": "u1", "eiasToken": "e1=="}

    forget(simulator, who)
    for family in families:
        simulator.post("orders/change", seller=account.username, count=5)
        assert run_family(account, family).status == "completed"

    rows = [text for table, text in every_row().items() if table != "queue payloads"]
    assert not [text for text in rows if who["username"] in text]
    erased = Order.objects.get(pk=troubled.pk)
    assert erased.erased_at is not None
    assert name not in str(erased.payload)
    assert Order.objects.filter(erased_at=None).exclude(buyer_username="").exists()
    assert not QuarantinedRecord.objects.exists()


def test_old_rows_are_indexed_like_new_ones(simulator, account):
    """The migration's statements against what the program notes when it stores."""
    store_everything(account)
    evidence = {"orderId": "x1", "buyer": [{"username": USERNAME}], "n": 1, "long": "x" * 300}
    coverage.quarantine(account, "orders", "x1", BadRecord("x1", evidence, "no time", None), None)
    own = RECORDS["messages"] | {"MessageID": "m2", "Sender": "eBay", "RecipientUserID": "SELLER_0"}
    upsert_page(TABLES["messages"], account, [own])
    noted = set(PersonIndex.objects.values_list("person", "kind", "row_id", "account_id"))
    PersonIndex.objects.all().delete()

    migration = import_module("syncworkers.migrations.0007_personal_data")
    migration.index_people(None, SimpleNamespace(connection=connection))

    found = set(PersonIndex.objects.values_list("person", "kind", "row_id", "account_id"))
    assert plain(found) == plain(noted)
    assert len(noted) >= 8


def plain(rows):
    return {(bytes(person), *rest) for person, *rest in rows}
