"""Every address of the console, walked by a stranger, by each role, and with hostile content.

The addresses are discovered from the resolver: a new page is walked without a line here, and one with a
parameter that the walk does not know fails until it is taught.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from accounts.access import principal_of_user
from accounts.models import EbayAccount, Membership, Organization, Role, User
from accounts.scoped_admin import ScopedAdmin, SuperuserAdmin
from accounts.services import create_api_key
from sniper.models import Snipe, SnipeEvent, SnipeGroup, SniperLimit, SniperSwitch
from sniper.tests.rows import AttemptFactory, EventFactory, GroupFactory, LimitFactory, SnipeFactory
from syncworkers.models import FailedSlice, MoneyRow, QuarantinedRecord, SyncState, WorkerRun
from syncworkers.services import runlog
from tests.factories import (
    ACCESS_TOKEN,
    REFRESH_TOKEN,
    AccountFactory,
    ActiveListingFactory,
    CaseDetailFactory,
    CaseFactory,
    InquiryDetailFactory,
    InquiryFactory,
    InventoryItemFactory,
    MembershipFactory,
    MessageBodyFactory,
    MessageFactory,
    NoticeFactory,
    OfferFactory,
    OrderFactory,
    OrderLineItemFactory,
    OrganizationFactory,
    PaymentDisputeDetailFactory,
    PaymentDisputeFactory,
    PayoutFactory,
    PurchaseFactory,
    ReturnDetailFactory,
    ReturnFactory,
    RunFactory,
    SellerFundsFactory,
    SnapshotPassFactory,
    SyncStateFactory,
    TransactionFactory,
    TransferFactory,
    UserFactory,
    member,
)
from tokens.models import (
    AccountDeletion,
    ConnectLog,
    ConnectTicket,
    HealthCheck,
    RefreshCycle,
    TokenRefreshLog,
)

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

CANARY = "<script>canary()</script>"
MISSING = 987_654_321


@dataclass
class World:
    """One organisation with a row in every table, all carrying the canary."""

    organization: Organization
    account: EbayAccount
    run: WorkerRun
    rows: dict[type[models.Model], models.Model]


@pytest.fixture(scope="module")
def world(module_transaction) -> World:
    organization = OrganizationFactory(name=f"Alpha {CANARY}")
    account = AccountFactory(organization=organization, house_name=f"House {CANARY}", username=f"u {CANARY}")
    owner = MembershipFactory(organization=organization, user=UserFactory(username="canary-owner"))
    run = RunFactory(
        account=account, status="error", reason="internal_error", error=CANARY, requested_by=CANARY
    )
    SyncStateFactory(account=account, last_error=CANARY)
    runlog.write(run, "page", CANARY, level="error")
    order = OrderFactory(
        account=account, buyer_username=CANARY, ship_to_name=CANARY, payload={"note": f"</pre>{CANARY}"}
    )
    OrderLineItemFactory(order=order, title=CANARY, sku=CANARY)
    transaction = TransactionFactory(
        account=account, transaction_id=CANARY, order_id=order.order_id, payout_id=CANARY, memo=CANARY,
        fee_type=CANARY, buyer_username=CANARY, transaction_status=CANARY, payload={"note": CANARY},
    )  # fmt: skip
    transaction.fees.update(fee_type=CANARY, memo=CANARY)
    item = InventoryItemFactory(account=account, sku=CANARY, title=CANARY, brand=CANARY, condition=CANARY)
    now = timezone.now()
    key, _ = create_api_key(
        organization=organization, name=CANARY, role=Role.VIEWER, by=principal_of_user(owner.user)
    )
    made = [
        organization, account, owner, run, order, key, transaction, item,
        MoneyRow.objects.get(pk=transaction.pk),
        PayoutFactory(
            account=account, payout_id=CANARY, payout_status=CANARY, memo=CANARY, instrument_nickname=CANARY
        ),
        TransferFactory(account=account, transfer_id=CANARY, funding_brand=CANARY, order_ids=CANARY),
        SellerFundsFactory(account=account, house_name=CANARY, payload={"x": CANARY}),
        OfferFactory(account=account, sku=CANARY, listing_id=CANARY, offer_status=CANARY, format=CANARY),
        MessageFactory(
            account=account, message_id=CANARY, subject=CANARY, sender=CANARY, item_title=CANARY,
            folder_id=CANARY,
        ),
        MessageBodyFactory(account=account, message_id=CANARY, content=CANARY, html=f"<p>Hi</p>{CANARY}"),
        ActiveListingFactory(account=account, item_id=CANARY, sku=CANARY, title=CANARY, variation=CANARY),
        PurchaseFactory(account=account, order_line_item_id=CANARY, title=CANARY, seller=CANARY),
        CaseFactory(account=account, case_id=CANARY, case_status=CANARY, buyer=CANARY, return_id=CANARY),
        CaseDetailFactory(account=account, case_id=CANARY, case_type=CANARY, payload={"x": CANARY}),
        InquiryFactory(
            account=account, inquiry_id=CANARY, inquiry_status=CANARY, buyer=CANARY, order_id=CANARY
        ),
        InquiryDetailFactory(account=account, inquiry_id=CANARY, state=CANARY, payload={"x": CANARY}),
        ReturnFactory(
            account=account, return_id=CANARY, order_id=order.order_id, reason=CANARY, state=CANARY,
            activity_due=CANARY, case_id=CANARY,
        ),
        ReturnDetailFactory(account=account, return_id=CANARY, state=CANARY, payload={"x": CANARY}),
        PaymentDisputeFactory(
            account=account, payment_dispute_id=CANARY, order_id=order.order_id, reason=CANARY, buyer=CANARY
        ),
        PaymentDisputeDetailFactory(
            account=account, payment_dispute_id=CANARY, outcome=CANARY, payload={"x": CANARY}
        ),
        SnapshotPassFactory(account=account, position=CANARY, total=3),
        QuarantinedRecord.objects.create(
            account=account, api_family="orders", record_key=CANARY, evidence={"x": CANARY}, error=CANARY,
            start_at=now, end_at=now, last_seen_at=now,
        ),
        FailedSlice.objects.create(
            account=account, api_family="orders", start_at=now, end_at=now, reason="drift", failed_at=now,
            retry_at=now,
        ),
        TokenRefreshLog.objects.create(
            account=account, triggered_by="admin", success=False, error_message=CANARY, started_at=now
        ),
        NoticeFactory(account=account, title=CANARY, text=CANARY, subject_key=CANARY),
        HealthCheck.objects.create(
            account=account, checked_at=now, checked_by="identity", ok=False, error_code=CANARY, error=CANARY
        ),
        AccountDeletion.objects.create(
            organization=organization, account_id=account.pk, house_name=CANARY, requested_by=CANARY,
            requested_at=now, deleted={CANARY: 1},
        ),
        ConnectTicket.objects.create(
            organization=organization, account=account, house_name=CANARY, purpose="SELLER", scopes=[],
            environment="simulator", secret_hash="x", created_by_label=CANARY, link_expires_at=now,
            outcome=CANARY,
        ),
        ConnectLog.objects.create(
            organization=organization, account=account, environment="simulator", action="token_refreshed",
            source="admin", request={"method": "POST", "body": CANARY}, error=CANARY,
            response={"status": 400, "body": f'{{"x": "{CANARY}"}}', "headers": {"x": CANARY}},
        ),
    ]  # fmt: skip
    group = GroupFactory(organization=organization, name=CANARY)
    snipe = SnipeFactory(
        account=account, group=group, title=CANARY, seller=CANARY, comment=CANARY, warning=CANARY,
        trouble="token", trouble_message=CANARY, created_by_label=CANARY, armed_at=now,
        item_url=f"https://www.ebay.com/itm/1?{CANARY}", image_url=f"https://i.ebayimg.com/{CANARY}",
    )  # fmt: skip
    SnipeFactory(
        account=account, group=group, title=CANARY, status="lost", reason="outbid", result_message=CANARY,
        finished_at=now, result_price="51.00",
    )  # fmt: skip
    AttemptFactory(snipe=snipe, message=CANARY, ebay_bid_id=CANARY)
    LimitFactory(organization=organization, account=account)
    made += [snipe, EventFactory(snipe=snipe, message=CANARY, endpoint=CANARY)]
    made += [run.logs.get(), apps.get_model("accounts", "AuditEvent").objects.latest("pk")]
    return World(organization, account, run, {type(row): row for row in made})


def logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


class Reader:
    """A superuser who opens each page once, for all tests that look at what is on it."""

    def __init__(self) -> None:
        self._client = logged_in(User.objects.create_superuser("root"))
        self._seen: dict[str, HttpResponse] = {}

    def get(self, url: str) -> HttpResponse:
        if url not in self._seen:
            self._seen[url] = self._client.get(url)
        return self._seen[url]

    def follow(self, url: str) -> HttpResponse:
        answer = self.get(url)
        return self.get(answer.headers["Location"]) if answer.status_code == 302 else answer


@pytest.fixture(scope="module")
def superuser(world) -> Reader:
    return Reader()


def admin_patterns() -> list[URLPattern]:
    """All patterns under /admin/, those of ModelAdmins included."""
    root = next(r for r in get_resolver().url_patterns if getattr(r, "namespace", "") == "admin")

    def flat(resolver: URLResolver):
        for entry in resolver.url_patterns:
            yield from flat(entry) if isinstance(entry, URLResolver) else [entry]

    return [pattern for pattern in flat(root) if pattern.name]


def parameters(pattern: URLPattern) -> set[str]:
    return set(pattern.pattern.converters) | set(pattern.pattern.regex.groupindex)


def plain_names() -> list[str]:
    return sorted({p.name for p in admin_patterns() if not parameters(p)})


def shared_names() -> list[str]:
    """Addresses with parameters that are no ModelAdmin's."""
    own = {f"{m._meta.app_label}_{m._meta.model_name}_" for m in admin.site._registry}
    return sorted(
        {p.name for p in admin_patterns() if parameters(p) and not any(p.name.startswith(o) for o in own)}
    )


def address(name: str, world: World, *, foreign: bool) -> str:
    values = {
        "account_id": world.account.pk,
        "run_id": world.run.pk,
        "snipe_id": world.rows[Snipe].pk,
        "group_id": world.rows[Snipe].group_id,
        "organization_id": world.organization.pk,
        "object_id": world.account.pk,
        "id": world.rows[Membership].user_id,
        "content_type_id": ContentType.objects.get_for_model(EbayAccount).pk,
        "app_label": "accounts",
        "family": "orders",
    }
    pattern = next(p for p in admin_patterns() if p.name == name)
    wanted = parameters(pattern)
    assert wanted <= set(values), f"teach the walk the parameters of {name}: {wanted - set(values)}"
    kept = {"app_label", "family", "content_type_id"}
    return reverse(
        f"admin:{name}", kwargs={k: values[k] if foreign or k in kept else MISSING for k in wanted}
    )


def everything(world: World) -> list[object]:
    """What a refused act must leave as it was."""
    tables = (WorkerRun, SyncState, EbayAccount, Membership, TokenRefreshLog, ConnectLog, LogEntry)
    tables += (Snipe, SnipeEvent, SnipeGroup, SniperLimit, SniperSwitch)
    switches = apps.get_model("syncworkers", "SyncSwitch"), apps.get_model("accounts", "AuditEvent")
    return [list(table.objects.order_by("pk").values()) for table in (*tables, *switches)]


def test_every_model_of_the_console_is_scoped_or_for_superusers():
    for model, model_admin in admin.site._registry.items():
        assert isinstance(model_admin, ScopedAdmin | SuperuserAdmin), model


def test_a_stranger_cannot_tell_a_foreign_row_from_a_missing_one(world):
    client = logged_in(member(Role.ADMIN))
    for model, model_admin in admin.site._registry.items():
        row = world.rows.get(model)
        assert row or isinstance(model_admin, SuperuserAdmin), f"give the world a {model.__name__}"
        theirs = row or model.objects.first()
        for page in ("change", "history", "delete"):
            name = f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}"
            for method in (client.get, client.post):
                one = method(reverse(name, args=[theirs.pk if theirs else 1]))
                other = method(reverse(name, args=[MISSING]))
                assert one.status_code in (403, 404), name
                assert (one.status_code, one.content) == (other.status_code, other.content), name


def test_a_stranger_cannot_tell_a_foreign_id_of_a_page_from_a_missing_one(world):
    client = logged_in(member(Role.ADMIN))
    before = everything(world)
    names = [name for name in shared_names() if name != "app_list"]
    assert {"run_worker", "red_button", "reconnect_account", "run_lines", "cancel_snipe"} <= set(names)
    for name in names:
        for method in (client.get, client.post):
            data = {"enabled": "0", "reason": "x"}
            theirs = method(address(name, world, foreign=True), data)
            nobodys = method(address(name, world, foreign=False), data)
            assert theirs.status_code in (403, 404, 405), name
            assert (theirs.status_code, theirs.content) == (nobodys.status_code, nobodys.content), name
    assert everything(world) == before


@pytest.mark.parametrize("name", ["workers", "workers_board", "terminal", "terminal_rows"])
@pytest.mark.parametrize("value", ["", "x", "-1", "9" * 30])
def test_a_foreign_or_senseless_account_in_the_query_is_not_found(name, value, world):
    client = logged_in(member(Role.ADMIN))
    foreign = client.get(reverse(f"admin:{name}"), {"account": world.account.pk})
    assert foreign.status_code == 404
    if value or name.startswith("workers"):
        other = client.get(reverse(f"admin:{name}"), {"account": value})
        assert (other.status_code, other.content) == (404, foreign.content)


def test_a_stranger_sees_nothing_of_others_on_any_page(world):
    client = logged_in(member(Role.ADMIN))
    for name in plain_names():
        answer = client.get(reverse(f"admin:{name}"))
        assert answer.status_code in (200, 302, 403, 405), name
        assert b"canary" not in answer.content, name


def test_without_a_login_every_page_asks_for_one(world):
    for name in plain_names():
        answer = Client().get(reverse(f"admin:{name}"))
        assert name in ("login", "jsi18n") or answer.status_code in (302, 405), name
        assert b"canary" not in answer.content, name


def test_a_login_without_is_staff_stays_outside(world):
    user = UserFactory(is_staff=False)
    MembershipFactory(user=user, organization=world.organization)
    assert logged_in(user).get(reverse("admin:workers")).status_code == 302


def test_a_login_without_an_organisation_sees_empty_pages(world):
    client = logged_in(UserFactory())
    assert b"not a member" in client.get(reverse("admin:index")).content
    assert b"canary" not in client.get(reverse("admin:workers")).content
    assert client.get(reverse("admin:syncworkers_order_changelist")).status_code == 403


FOR_ADMINS = {
    "accounts_apikey_changelist", "accounts_apikey_add", "accounts_membership_add",
    "tokens_connectlog_changelist", "tokens_connectticket_changelist", "connect_account", "terminal",
    "terminal_rows",
}  # fmt: skip


FOR_OPERATORS = {"new_snipe", "bulk_snipes"}
SNIPER_PAGES = {"snipes", "snipes_board", "snipe_groups", "snipe_totals", "snipe_limits"}


def may_open(name: str, role: str) -> bool:
    superuser_models = {
        f"{m._meta.app_label}_{m._meta.model_name}"
        for m, a in admin.site._registry.items()
        if isinstance(a, SuperuserAdmin)
    }
    prefix, _, page = name.rpartition("_")
    if name in ("keys", "key_rows"):
        return role == "superuser"
    if name in FOR_OPERATORS:
        return role != Role.VIEWER
    if role == "superuser":
        return page != "add" or prefix in {
            "accounts_organization", "accounts_user", "accounts_membership", "accounts_apikey"
        }  # fmt: skip
    if prefix in superuser_models:
        return False
    if page == "add":
        return name in FOR_ADMINS and role == Role.ADMIN
    return name not in FOR_ADMINS or role == Role.ADMIN


@pytest.mark.parametrize("role", [*Role.values, "superuser"])
def test_each_role_opens_what_is_its_own(role, world, superuser):
    client = (
        superuser
        if role == "superuser"
        else logged_in(MembershipFactory(organization=world.organization, role=role).user)
    )
    model_pages = [n for n in plain_names() if n.rpartition("_")[2] in ("changelist", "add")]
    pages = {"index", "dashboard_cards", "workers", "workers_board", "keys", "key_rows"}
    for name in [*pages, *SNIPER_PAGES, *FOR_OPERATORS, *FOR_ADMINS, *model_pages]:
        expected = 200 if may_open(name, role) else 403
        assert client.get(reverse(f"admin:{name}")).status_code == expected, name


def test_what_people_and_ebay_wrote_never_becomes_markup(world, superuser):
    seen = 0
    for model, row in world.rows.items():
        prefix = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        for url in (reverse(f"{prefix}_changelist"), reverse(f"{prefix}_change", args=[row.pk])):
            seen += _escaped(superuser.follow(url))
    pages = ["index", "workers", "terminal"]
    seen += sum(_escaped(superuser.get(reverse(f"admin:{name}"))) for name in pages)
    seen += _escaped(superuser.get(reverse("admin:run", args=[world.run.pk])))
    snipe = world.rows[Snipe]
    seen += sum(_escaped(superuser.get(reverse(f"admin:{name}"))) for name in SNIPER_PAGES)
    seen += _escaped(superuser.get(reverse("admin:snipe_group", args=[snipe.group_id])))
    seen += _escaped(superuser.get(reverse("admin:edit_snipe", args=[snipe.pk])))
    assert seen > len(world.rows)


def _escaped(answer) -> int:
    """How often the canary stands there escaped; raw it may nowhere."""
    assert answer.status_code == 200
    body = answer.content.decode()
    assert CANARY not in body
    return body.count("&lt;script&gt;canary()")


def test_no_page_shows_a_token_or_its_sealed_form(world, superuser):
    urls = [reverse(f"admin:{name}") for name in plain_names() if name != "logout"]
    urls += [reverse("admin:accounts_ebayaccount_change", args=[world.account.pk])]
    for url in urls:
        body = superuser.get(url).content
        for secret in (ACCESS_TOKEN, REFRESH_TOKEN, "enc:v1:", world.account.token.access_token_sealed):
            assert secret.encode() not in body, url


def test_a_filter_by_account_offers_only_visible_ones(world):
    user = member(Role.ADMIN)
    AccountFactory(organization=user.memberships.get().organization, house_name="Mine")
    body = logged_in(user).get(reverse("admin:syncworkers_workerrun_changelist")).content
    assert b"Mine" in body
    assert b"canary" not in body


def test_a_failed_cycle_shows_other_peoples_accounts_to_superusers_only(world):
    RefreshCycle.objects.create(
        scheduled=True, status="error", started_at=timezone.now(), errors=[{"error": "canary"}]
    )
    client = logged_in(MembershipFactory(organization=world.organization).user)
    assert client.get(reverse("admin:tokens_refreshcycle_changelist")).status_code == 403
