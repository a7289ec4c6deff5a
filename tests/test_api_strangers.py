"""A stranger walks every route of the API: what belongs to others reads like what does not exist.

The routes come from the URL configuration; a route or method without an entry in WALK fails the test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from django.urls import URLPattern, get_resolver
from rest_framework.test import APIClient

from accounts.models import AuditEvent, EbayAccount
from sniper.models import Snipe, SnipeGroup, SniperLimit, SniperSwitch
from sniper.tests.rows import AttemptFactory, EventFactory, GroupFactory, LimitFactory, SnipeFactory
from syncworkers.models import SyncState, SyncSwitch, WorkerLog, WorkerRun
from syncworkers.registry import TABLES
from tests.api_callers import as_machine, as_member
from tests.factories import (
    ROW_FACTORIES,
    AccountFactory,
    NoticeFactory,
    OrderLineItemFactory,
    OrganizationFactory,
    RunFactory,
)
from tokens.models import ConnectLog, ConnectTicket, EbayToken, HealthCheck, TokenRefreshLog

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

NOT_FOUND = {"error": {"code": "not_found", "message": "not found", "details": {}}}
MISSING = "missing"  # 404, the same body as an id that was never given out
EMPTY = "empty"  # a list without rows
FORBIDDEN = "forbidden"  # an act on the whole installation
PUBLIC = "public"  # no login


@dataclass(frozen=True)
class Probe:
    """What a stranger meets. `address` and `body` are made from ids, the victim's or missing ones."""

    meets: str
    address: str
    body: Callable[[Any], dict[str, Any]] = field(default=lambda ids: {})
    # How the owner's own request is refused, where eBay would be asked for more.
    refusal: str = ""


def _account(ids):
    return {"account_id": ids.account}


def _worker(ids, **more):
    return {"account_id": ids.account, "api_family": "orders", **more}


def _connect(ids):
    body = {"house_name": "Z", "purpose": "SELLER", "environment": "simulator"}
    return {**body, "organization": ids.organization}


def _snipe(ids):
    return {"ebay_account_id": ids.account, "item_id": "no item", "max_bid_amount": "5.00"}


SNIPER = "/api/sniper"
ACCOUNT = "/api/ebay-accounts/{account}/"
AT = "/api/ebay/workers"
ADMIN = "/api/admin/ebay"

WALK: dict[tuple[str, str], Probe] = {
    ("api-login", "POST"): Probe(PUBLIC, "/api/auth/token"),
    ("api-login-refresh", "POST"): Probe(PUBLIC, "/api/auth/token/refresh"),
    ("api-schema", "GET"): Probe(PUBLIC, "/api/schema/"),
    ("api-docs", "GET"): Probe(PUBLIC, "/api/docs/"),
    ("api-notices", "GET"): Probe(EMPTY, "/api/notices/"),
    ("api-accounts", "GET"): Probe(EMPTY, "/api/ebay-accounts/"),
    ("api-accounts", "POST"): Probe(MISSING, "/api/ebay-accounts/", _connect),
    ("api-account", "GET"): Probe(MISSING, ACCOUNT),
    ("api-account", "PATCH"): Probe(MISSING, ACCOUNT, lambda ids: {"house_name": "Stolen"}),
    ("api-account", "DELETE"): Probe(MISSING, f"{ACCOUNT}?data=delete"),
    ("api-account-reconnect", "POST"): Probe(MISSING, f"{ACCOUNT}reconnect"),
    ("api-account-health-check", "POST"): Probe(MISSING, f"{ACCOUNT}health-check"),
    ("api-account-health-checks", "GET"): Probe(MISSING, f"{ACCOUNT}health-checks"),
    ("api-account-refresh", "POST"): Probe(MISSING, f"{ACCOUNT}refresh-token"),
    ("api-tokens-status", "GET"): Probe(EMPTY, f"{ADMIN}/tokens/status"),
    ("api-tokens-terminal", "GET"): Probe(EMPTY, f"{ADMIN}/tokens/terminal-logs"),
    ("api-tokens-logs", "GET"): Probe(MISSING, f"{ADMIN}/tokens/logs/{{account}}"),
    ("api-token-refresh-debug", "POST"): Probe(
        MISSING, f"{ADMIN}/token/refresh-debug", lambda ids: {"ebay_account_id": ids.account}
    ),
    ("api-refresh-run-once", "POST"): Probe(FORBIDDEN, f"{ADMIN}/workers/token-refresh/run-once"),
    ("api-refresh-status", "GET"): Probe("own", "/api/admin/workers/token-refresh/status"),
    ("api-workers-config", "GET"): Probe(MISSING, f"{AT}/config?account_id={{account}}"),
    ("api-workers-config", "POST"): Probe(MISSING, f"{AT}/config", lambda ids: _worker(ids, enabled=False)),
    ("api-workers-run", "POST"): Probe(MISSING, f"{AT}/run", _worker),
    ("api-workers-breaker-reset", "POST"): Probe(MISSING, f"{AT}/breaker-reset", _worker),
    ("api-workers-run-all", "POST"): Probe(MISSING, f"{AT}/run-all", _account),
    ("api-workers-toggle", "POST"): Probe(
        MISSING, f"{AT}/global-toggle",
        lambda ids: {"enabled": False, "reason": "x", "organization": ids.organization},
    ),
    ("api-workers-cursor", "POST"): Probe(
        MISSING, f"{AT}/cursor", lambda ids: _worker(ids, value="2026-01-01", reason="x")
    ),
    ("api-workers-schedule", "GET"): Probe(MISSING, f"{AT}/schedule?account_id={{account}}"),
    ("api-workers-quotas", "GET"): Probe(EMPTY, f"{AT}/quotas"),
    ("api-runs", "GET"): Probe(EMPTY, f"{AT}/runs"),
    ("api-run", "GET"): Probe(MISSING, f"{AT}/runs/{{run}}"),
    ("api-run-cancel", "POST"): Probe(MISSING, f"{AT}/runs/{{run}}/cancel"),
    ("api-run-logs", "GET"): Probe(MISSING, f"{AT}/logs/{{run}}"),
    ("api-snipes", "GET"): Probe(EMPTY, f"{SNIPER}/snipes"),
    ("api-snipes", "POST"): Probe(MISSING, f"{SNIPER}/snipes", _snipe, refusal="bad_item"),
    ("api-snipes-bulk", "POST"): Probe(
        MISSING, f"{SNIPER}/snipes/bulk",
        lambda ids: {"ebay_account_id": ids.account, "csv": "item,max_bid_amount\nno item,5"},
    ),
    ("api-snipe", "GET"): Probe(MISSING, f"{SNIPER}/snipes/{{snipe}}"),
    ("api-snipe", "PATCH"): Probe(MISSING, f"{SNIPER}/snipes/{{snipe}}", lambda ids: {"comment": "Stolen"}),
    ("api-snipe", "DELETE"): Probe(MISSING, f"{SNIPER}/snipes/{{snipe}}"),
    ("api-snipe-logs", "GET"): Probe(MISSING, f"{SNIPER}/snipes/{{snipe}}/logs"),
    ("api-snipe-preview", "POST"): Probe(MISSING, f"{SNIPER}/preview", _snipe, refusal="bad_item"),
    ("api-snipe-groups", "GET"): Probe(EMPTY, f"{SNIPER}/groups"),
    ("api-snipe-groups", "POST"): Probe(
        MISSING, f"{SNIPER}/groups", lambda ids: {"name": "Z", "organization": ids.organization}
    ),
    ("api-snipe-group", "GET"): Probe(MISSING, f"{SNIPER}/groups/{{group}}"),
    ("api-snipe-group", "PATCH"): Probe(
        MISSING, f"{SNIPER}/groups/{{group}}", lambda ids: {"name": "Stolen"}
    ),
    ("api-snipe-group", "DELETE"): Probe(MISSING, f"{SNIPER}/groups/{{group}}"),
    ("api-snipe-totals", "GET"): Probe(EMPTY, f"{SNIPER}/totals"),
    ("api-sniper-status", "GET"): Probe(EMPTY, f"{SNIPER}/status"),
    ("api-sniper-switch", "POST"): Probe(
        MISSING, f"{SNIPER}/switch",
        lambda ids: {"enabled": False, "reason": "x", "organization": ids.organization},
    ),
    ("api-sniper-limits", "GET"): Probe(EMPTY, f"{SNIPER}/limits"),
    ("api-sniper-limits", "POST"): Probe(
        MISSING, f"{SNIPER}/limits", lambda ids: {"ebay_account_id": ids.account, "currency": "USD"}
    ),
    ("api-order-money", "GET"): Probe(MISSING, "/api/data/orders/{orders}/money"),
    ("api-payout-money", "GET"): Probe(MISSING, "/api/data/finances/{finances}/money"),
    # A row of the money view has the id of its transaction.
    ("api-data-money", "GET"): Probe(EMPTY, "/api/data/money/"),
    ("api-data-money-row", "GET"): Probe(MISSING, "/api/data/money/{transactions}/"),
}  # fmt: skip
for _key in TABLES:
    WALK[f"api-data-{_key}", "GET"] = Probe(EMPTY, f"/api/data/{_key}/")
    WALK[f"api-data-{_key}-row", "GET"] = Probe(MISSING, f"/api/data/{_key}/{{{_key}}}/")

# Parameters of lists and acts that could reach foreign rows past the list itself.
DETOURS = {
    f"{AT}/runs?account_id={{account}}": MISSING,
    f"{AT}/schedule": EMPTY,
    "/api/ebay-accounts/?organization={organization}": EMPTY,
    f"{ADMIN}/tokens/status?account_id={{account}}": EMPTY,
    "/api/notices/?account_id={account}": EMPTY,
    "/api/notices/?organization={organization}": EMPTY,
    f"{ADMIN}/tokens/terminal-logs?account_id={{account}}": EMPTY,
    f"{SNIPER}/snipes?ebay_account_id={{account}}": MISSING,
    f"{SNIPER}/snipes?group_id={{group}}": EMPTY,
    "/api/data/orders/?sku=ABC-1": EMPTY,
    "/api/data/orders/?search=A+thing": EMPTY,
    "/api/data/transactions/?fee=FINAL_VALUE_FEE": EMPTY,
}
for _key in (*TABLES, "money"):
    DETOURS[f"/api/data/{_key}/?account={{account}}"] = EMPTY
    DETOURS[f"/api/data/{_key}/?updated_since=2020-01-01"] = EMPTY


def routes() -> dict[tuple[str, str], URLPattern]:
    """Every route of the API by (name, method); those without a name are other spellings."""
    found = {}
    for pattern in get_resolver().url_patterns:
        view = getattr(getattr(pattern, "callback", None), "cls", None)
        if view is None or not pattern.name:
            continue
        assert str(pattern.pattern).startswith("api/"), pattern
        methods = [name for name in ("get", "post", "put", "patch", "delete") if hasattr(view, name)]
        found |= {(pattern.name, method.upper()): pattern for method in methods}
    return found


ROUTES = routes()


@pytest.fixture(scope="module")
def victim(module_transaction):
    """Another organisation with something everywhere, the same for all tests here."""
    account = AccountFactory()
    rows = {key: make(account=account, changed_at="2026-01-01T00:00Z") for key, make in ROW_FACTORIES.items()}
    OrderLineItemFactory(order=rows["orders"])
    run = RunFactory(account=account)
    WorkerLog.objects.create(run=run, event="page", message="theirs")
    TokenRefreshLog.objects.create(account=account, triggered_by="admin", started_at=account.connected_at)
    HealthCheck.objects.create(account=account, checked_at=account.connected_at, checked_by="call", ok=True)
    NoticeFactory(organization=account.organization, account=account)
    ConnectLog.objects.create(
        account=account,
        organization=account.organization,
        environment="simulator",
        action="a",
        source="admin",
    )
    # Its group is empty, so that its owner may delete it.
    group = GroupFactory(organization=account.organization)
    snipe = SnipeFactory(account=account)
    AttemptFactory(snipe=snipe)
    EventFactory(snipe=snipe)
    LimitFactory(organization=account.organization, account=account)
    return SimpleNamespace(
        account=account.pk, organization=account.organization_id, run=run.pk, snipe=snipe.pk, group=group.pk,
        **{key: row.pk for key, row in rows.items()},
    )  # fmt: skip


@pytest.fixture(params=[as_member, as_machine], ids=["member", "api-key"])
def stranger(request):
    """Admin of an organisation of their own, with nothing in it."""
    return request.param("admin", OrganizationFactory())


NOBODY = SimpleNamespace(
    account=10**12, organization=10**12, run=10**12, snipe=10**12, group=10**12,
    **dict.fromkeys(ROW_FACTORIES, 10**12),
)  # fmt: skip


def send(client, name_and_method, ids):
    probe = WALK[name_and_method]
    call = getattr(client, name_and_method[1].lower())
    address = probe.address.format(**vars(ids))
    return call(address) if name_and_method[1] == "GET" else call(address, probe.body(ids), format="json")


def nothing_happened(victim):
    account = EbayAccount.objects.get(pk=victim.account)
    return (
        account.is_active
        and account.workers_enabled
        and account.house_name != "Stolen"
        and EbayToken.objects.filter(account=account, refresh_error="").exists()
        and WorkerRun.objects.get().status == "queued"
        and TokenRefreshLog.objects.count() == ConnectLog.objects.count() == HealthCheck.objects.count() == 1
        and not any(model.objects.exists() for model in (SyncSwitch, SyncState, ConnectTicket, SniperSwitch))
        and Snipe.objects.get().status == "scheduled"
        and Snipe.objects.get().comment == ""
        and SnipeGroup.objects.get().name != "Stolen"
        and SniperLimit.objects.exists()
        and not AuditEvent.objects.filter(organization=victim.organization).exists()
    )


def test_every_route_has_an_entry_in_the_walk():
    assert set(ROUTES) == set(WALK)
    assert set(ROW_FACTORIES) == set(TABLES)


@pytest.mark.parametrize("key", ROUTES, ids=" ".join)
def test_a_stranger_meets_nothing(stranger, victim, key):
    answer = send(stranger, key, victim)
    match WALK[key].meets:
        case "missing":
            missing = send(stranger, key, NOBODY)
            assert (answer.status_code, missing.status_code) == (404, 404)
            assert answer.json() == missing.json() == NOT_FOUND
        case "empty":
            assert (answer.status_code, answer.json()["count"]) == (200, 0)
            assert answer.json()["results"] == []
        case "forbidden":
            assert answer.status_code == 403
        case "own":
            assert answer.status_code == 200
            assert answer.json() == send(as_member("admin", OrganizationFactory()), key, NOBODY).json()
        case _:
            assert answer.status_code in (200, 400)
    assert nothing_happened(victim)


@pytest.mark.parametrize("key", ROUTES, ids=" ".join)
def test_without_credentials_there_is_nothing(victim, key):
    answers = [send(APIClient(), key, ids) for ids in (victim, NOBODY)]
    if WALK[key].meets == PUBLIC:
        assert answers[0].status_code in (200, 400)
        return
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].json() == answers[1].json()
    assert nothing_happened(victim)


@pytest.mark.parametrize("address", DETOURS)
def test_parameters_are_no_way_round(stranger, victim, address):
    answer = stranger.get(address.format(**vars(victim)))
    missing = stranger.get(address.format(**vars(NOBODY)))
    assert answer.status_code == missing.status_code
    if DETOURS[address] == MISSING:
        assert (answer.status_code, answer.json()) == (404, missing.json())
    else:
        assert answer.json()["results"] == missing.json()["results"] == []


@pytest.mark.parametrize("key", [*TABLES, "money"])
def test_csv_streams_nothing_foreign(stranger, victim, key):
    lines = b"".join(stranger.get(f"/api/data/{key}/?format=csv").streaming_content)
    assert lines.count(b"\r\n") == 1


def test_running_everything_runs_nothing_foreign(stranger, victim):
    assert stranger.post(f"{AT}/run-all").json() == {"results": []}
    assert nothing_happened(victim)


@pytest.mark.parametrize("key", [k for k, probe in WALK.items() if probe.meets == MISSING], ids=" ".join)
def test_the_walk_reaches_what_it_claims(victim, key):
    """The same request of the owner is not 404: the stranger's 404 is not that of a mistyped address."""
    account = EbayAccount.objects.get(pk=victim.account)
    # Without a token nothing is sent to eBay.
    EbayToken.objects.filter(account=account).delete()
    owner = as_member("admin", account.organization)
    answer = send(owner, key, victim)
    if WALK[key].refusal:
        assert answer.json()["error"]["code"] == WALK[key].refusal
    else:
        assert answer.status_code in (200, 201, 202)


@pytest.mark.parametrize("name", sorted({name for name, _ in ROUTES}))
def test_each_address_answers_in_all_its_spellings(victim, name):
    key = next(key for key in ROUTES if key[0] == name)
    address = WALK[key].address.format(**vars(NOBODY)).partition("?")[0]
    spellings = [address.rstrip("/"), address.rstrip("/") + "/"]
    if address.startswith(("/api/ebay/workers", "/api/ebay-accounts")):
        spellings += [spelling.removeprefix("/api") for spelling in spellings]
    views = {get_resolver().resolve(spelling).func.cls for spelling in spellings}
    assert views == {ROUTES[key].callback.cls}
