"""The console's pages about an account's life: notices, the consent calendar, disconnecting, deletion."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, EbayAccount, MailState, Notice, NoticeMail, Role, User
from ebayconnector.console.navigation import sections
from syncworkers.models import Order
from syncworkers.tasks import delete_account_data
from tests.api_callers import as_member
from tests.factories import AccountFactory, MembershipFactory, NoticeFactory, OrderFactory, member
from tokens.models import AccountDeletion, EbayToken

from .linked import change_token

pytestmark = pytest.mark.django_db


@pytest.fixture
def account():
    return AccountFactory(house_name="Warehouse-A")


def client_of(account, role: str = Role.ADMIN) -> Client:
    client = Client()
    client.force_login(MembershipFactory(organization=account.organization, role=role).user)
    return client


def page(client: Client, name: str, *args, **query) -> str:
    answer = client.get(reverse(f"admin:{name}", args=args), query)
    assert answer.status_code == 200
    return answer.content.decode()


# -- Notices ----------------------------------------------------------------------------------------------


def test_open_notices_stand_on_dashboard_account_list_and_in_the_side_bar(account):
    NoticeFactory(account=account, title="Warehouse-A must be reconnected")
    NoticeFactory(account=account, title="An old one", closed_at=timezone.now())
    client = client_of(account, Role.VIEWER)
    for name, args in (
        ("index", ()),
        ("dashboard_cards", ()),
        ("accounts_ebayaccount_change", (account.pk,)),
        ("accounts_notice_changelist", ()),
    ):
        text = page(client, name, *args)
        assert "Warehouse-A must be reconnected" in text, name
        assert "An old one" not in text, name
    assert "An old one" in page(client, "accounts_notice_changelist", state="closed")
    (item,) = [one for one in sections_of(client)[0]["items"] if one["title"] == "Notices"]
    assert item["badge"] == "1"


def test_a_mail_that_cannot_be_sent_is_seen_and_its_error_by_admins(account):
    notice = NoticeFactory(account=account)
    NoticeMail.objects.create(
        notice=notice, stage=1, state=MailState.WAITING, attempts=2, error="ConnectionRefusedError: no",
        created_at=timezone.now(), next_attempt_at=timezone.now(),
    )  # fmt: skip
    viewer, admin = client_of(account, Role.VIEWER), client_of(account)
    assert "Cannot be sent" in page(viewer, "accounts_notice_changelist")
    assert "ConnectionRefusedError" in page(admin, "accounts_notice_change", notice.pk)
    assert "ConnectionRefusedError" not in page(viewer, "accounts_notice_change", notice.pk)


def test_the_api_lists_notices_of_ones_own_organisations(account):
    mine = NoticeFactory(account=account)
    NoticeFactory(account=account, closed_at=timezone.now(), kind="quota")
    NoticeFactory()
    installation = NoticeFactory(account=None, organization=None)
    client = as_member(Role.VIEWER, account.organization)
    assert client.get("/api/notices/").json()["count"] == 2
    (row,) = client.get("/api/notices/?open=true").json()["results"]
    assert (row["id"], row["account_id"], row["kind"]) == (mine.pk, account.pk, "needs_reconnect")
    assert client.get("/api/notices/?open=false").json()["results"][0]["kind"] == "quota"
    client.force_authenticate(User.objects.create_superuser("root"))
    ids = {row["id"] for row in client.get("/api/notices/?open=true").json()["results"]}
    assert installation.pk in ids and len(ids) == 3


def sections_of(client: Client):
    request = RequestFactory().get("/admin/")
    request.user = User.objects.get(pk=client.session["_auth_user_id"])
    return sections(request)


# -- The calendar of consents -----------------------------------------------------------------------------


def test_the_calendar_says_when_each_consent_ends(account):
    now = timezone.now()
    for name, days in (("Soon", 5), ("Later", 45), ("Never said", None)):
        other = AccountFactory(house_name=name, organization=account.organization)
        ends = now + timedelta(days=days, hours=1) if days else None
        change_token(other, refresh_token_expires_at=ends)
    AccountFactory(house_name="Theirs")
    text = page(client_of(account, Role.VIEWER), "consents")
    assert text.index("Soon") < text.index("Later") < text.index("Warehouse-A") < text.index("Never said")
    assert "Ends within 7 days" in text
    assert "Ends within 60 days" in text
    assert "End unknown" in text
    assert "Theirs" not in text
    assert "Link for the owner" not in text
    assert "Link for the owner" in page(client_of(account), "consents")


def test_the_calendar_asks_as_much_for_many_accounts_as_for_one(account, django_assert_max_num_queries):
    AccountFactory.create_batch(5, organization=account.organization)
    client = client_of(account)
    with django_assert_max_num_queries(14):
        page(client, "consents")


# -- Disconnecting ----------------------------------------------------------------------------------------


def test_disconnecting_keeps_the_data(account):
    OrderFactory(account=account)
    client = client_of(account)
    assert "Keep the data" in page(client, "disconnect_account", account.pk)
    answer = client.post(
        reverse("admin:disconnect_account", args=[account.pk]), {"data": "keep"}, follow=True
    )
    assert "Its data is kept" in answer.content.decode()
    account.refresh_from_db()
    assert (account.is_active, Order.objects.count()) == (False, 1)
    assert not EbayToken.objects.exists() and not AccountDeletion.objects.exists()
    assert AuditEvent.objects.get(action="disconnected").detail == {"data": "keep"}


def test_deleting_shows_its_progress_to_the_end(account):
    OrderFactory.create_batch(3, account=account)
    client = client_of(account)
    answer = client.post(
        reverse("admin:disconnect_account", args=[account.pk]),
        {"data": "delete", "confirm": "Warehouse-A"},
        follow=True,
    )
    assert "Queued" in answer.content.decode()
    assert delete_account_data(account.pk) is True
    assert not EbayAccount.objects.exists()
    text = page(client, "deletion_rows", account.pk)
    assert "3 of 3 rows deleted (100 %)" in text
    assert "Warehouse-A" in page(client, "tokens_accountdeletion_changelist")
    erased = AuditEvent.objects.get(action="account_erased")
    assert erased.detail["rows"] == {"ebay_orders": 3}


@pytest.mark.parametrize(
    "asked", [{}, {"data": "burn"}, {"data": "delete"}, {"data": "delete", "confirm": "x"}]
)
def test_without_a_clear_word_nothing_happens(account, asked):
    answer = client_of(account).post(reverse("admin:disconnect_account", args=[account.pk]), asked)
    assert answer.status_code == 400
    account.refresh_from_db()
    assert account.is_active and EbayToken.objects.exists()


def test_only_an_admin_disconnects(account):
    for role, status in ((Role.OPERATOR, 403), (Role.VIEWER, 403)):
        address = reverse("admin:disconnect_account", args=[account.pk])
        client = client_of(account, role)
        assert [client.get(address).status_code, client.post(address, {"data": "keep"}).status_code] == [
            status, status,
        ]  # fmt: skip
    stranger = Client()
    stranger.force_login(member(Role.ADMIN))
    assert stranger.post(address, {"data": "keep"}).status_code == 404
    assert EbayToken.objects.exists()
    assert not Notice.objects.exists()
