"""Connecting an account: the link, eBay's consent page, the callback, and everything that must not work."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from django_q.models import OrmQ

from accounts.access import SYSTEM, NotAllowed, principal_of_user
from accounts.models import AuditEvent, EbayAccount
from tests.factories import AccountFactory, OrganizationFactory, member
from tests.simulator import connect, consent
from tokens.models import ConnectLog, ConnectTicket, EbayToken, TokenRefreshLog
from tokens.scopes import scopes_for
from tokens.services.connect import ConnectRefused, create_connect_link
from tokens.status import account_status
from tokens.views import COOKIE

from .linked import nothing_sent, stored_access_token, stored_refresh_token, token_posts

pytestmark = pytest.mark.django_db(transaction=True)
CALLBACK = "/ebay/connect/callback"
SELLER, OTHER_SELLER = "northwind_parts", "thames_tools"


def link_for(organization=None, by=SYSTEM, **values) -> str:
    asked = {"house_name": "Warehouse-A", "purpose": "SELLER", "environment": "simulator", **values}
    return create_connect_link(organization=organization or OrganizationFactory(), by=by, **asked)[1]


def open_link(link: str, client: Client):
    parts = urlsplit(link)
    return client.get(f"{parts.path}?{parts.query}")


def return_address(link: str, client: Client, seller: str = SELLER, decision: str = "agree") -> str:
    """Where eBay sends the browser back to, after the consent."""
    back = urlsplit(consent(open_link(link, client)["Location"], seller, decision=decision))
    return f"{back.path}?{back.query}"


def assert_refused(response, text: str) -> None:
    assert response.status_code == 400
    assert text in response.content.decode()
    assert not EbayToken.objects.exists()


# -- The way that works ----------------------------------------------------------------------------------


def test_an_account_is_saved_as_ebay_says_it(simulator):
    organization = OrganizationFactory()
    response = connect(link_for(organization), SELLER)
    assert response.status_code == 200
    account, said = EbayAccount.objects.get(), simulator.sellers()[0]
    assert (account.ebay_user_id, account.username) == (said["userId"], said["username"])
    assert account.eias_token == said["eiasToken"]
    assert (account.marketplace_id, account.site_id) == ("EBAY_US", 0)
    assert (account.organization, account.environment) == (organization, "simulator")
    assert (account.house_name, account.purpose, account.is_active) == ("Warehouse-A", "SELLER", True)
    assert account_status(account, now=timezone.now()).code == "healthy"


def test_the_token_is_sealed_with_scopes_and_expiries(simulator):
    before = timezone.now()
    connect(link_for(), SELLER)
    token, account = EbayToken.objects.get(), EbayAccount.objects.get()
    assert stored_access_token(account).startswith("v^1.1#")
    assert stored_refresh_token(account).startswith("v^1.1#")
    assert token.granted_scopes == scopes_for("SELLER")
    assert before <= token.consented_at <= timezone.now()
    assert timedelta(minutes=119) < token.expires_at - before < timedelta(minutes=121)
    assert timedelta(days=547) < token.refresh_token_expires_at - before < timedelta(days=548)
    assert (token.last_refreshed_by, token.refresh_error) == ("connect", "")


@pytest.mark.parametrize(
    ("seller", "marketplace", "site"),
    [("mueller_technik", "EBAY_DE", 77), ("thames_tools", "EBAY_GB", 3), ("outback_spares", "EBAY_AU", 15)],
)
def test_marketplace_and_site_are_never_assumed(simulator, seller, marketplace, site):
    connect(link_for(), seller)
    account = EbayAccount.objects.get()
    assert (account.marketplace_id, account.site_id) == (marketplace, site)


def test_the_consent_url_asks_for_everything(simulator, settings):
    response = open_link(link_for(purpose="SELLER"), Client())
    url = urlsplit(response["Location"])
    query = parse_qs(url.query)
    assert query["redirect_uri"] == [settings.EBAY_APPLICATIONS["simulator"]["runame"]]
    assert (query["prompt"], query["response_type"]) == (["login"], ["code"])
    assert query["scope"] == [" ".join(scopes_for("SELLER"))]
    assert query["state"]
    cookie = response.cookies[COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/ebay/connect/")
    assert response["Referrer-Policy"] == "no-referrer"


def test_the_purpose_selects_the_scopes():
    seller, buyer, both = (set(scopes_for(purpose)) for purpose in ("SELLER", "BUYER", "BOTH"))
    assert any(scope.endswith("sell.fulfillment.readonly") for scope in seller - buyer)
    assert both == seller | buyer
    # eBay grants bidding on approval only: asked without it, the whole consent fails.
    assert not any(scope.endswith("buy.offer.auction") for scope in both)


def test_the_exchanges_belong_to_the_new_account_and_its_organization(simulator):
    organization = OrganizationFactory()
    connect(link_for(organization), SELLER)
    rows = ConnectLog.objects.order_by("id")
    assert [row.action for row in rows] == ["code_exchanged", "GetUser", "getUser"]
    account = EbayAccount.objects.get()
    assert {(row.organization, row.account) for row in rows} == {(organization, account)}
    assert {row.source for row in rows} == {"connect"}
    exchange = rows[0]
    assert exchange.request["headers"]["Authorization"] == "***REDACTED***"
    assert "code=v%5E…" in exchange.request["body"]
    assert '"refresh_token":"v^1.…' in exchange.response["body"].replace('": "', '":"')
    assert rows[1].request["headers"]["X-EBAY-API-IAF-TOKEN"] == "***REDACTED***"


def test_the_audit_says_who_and_from_where(simulator):
    organization = OrganizationFactory()
    admin = member("admin", organization)
    connect(link_for(organization, principal_of_user(admin)), SELLER)
    started, connected = AuditEvent.objects.order_by("id")
    assert (started.action, started.actor, started.organization) == ("connect_started", admin, organization)
    assert (connected.action, connected.actor, connected.result) == ("connected", admin, "connected")
    assert (connected.target_label, connected.ip_address) == ("Warehouse-A", "127.0.0.1")


def test_a_consent_counts_as_an_attempt_and_starts_the_workers(simulator):
    connect(link_for(), SELLER)
    attempt = TokenRefreshLog.objects.get()
    assert (attempt.triggered_by, attempt.success) == ("connect", True)
    assert [job.task["func"] for job in OrmQ.objects.all()] == ["syncworkers.tasks.start_account"]


# -- The link --------------------------------------------------------------------------------------------


def test_only_an_admin_may_make_a_link():
    organization = OrganizationFactory()
    for by in (member("operator", organization), member("admin")):
        with pytest.raises(NotAllowed):
            link_for(organization, principal_of_user(by))
    assert not ConnectTicket.objects.exists()


def test_only_hashes_of_link_and_cookie_are_stored(simulator):
    link, client = link_for(), Client()
    open_link(link, client)
    secret, cookie = parse_qs(urlsplit(link).query)["ticket"][0], client.cookies[COOKIE].value
    row = str(ConnectTicket.objects.values().get())
    assert secret not in row
    assert cookie not in row


def test_a_link_works_once(simulator):
    link = link_for()
    assert open_link(link, Client()).status_code == 302
    assert_refused(open_link(link, Client()), "used already")


def test_an_expired_link_does_not_work(simulator):
    link = link_for()
    ConnectTicket.objects.update(link_expires_at=timezone.now())
    assert_refused(open_link(link, Client()), "expired")


@pytest.mark.parametrize("query", ["", "?ticket=", "?ticket=guess"])
def test_a_guessed_link_does_not_work(simulator, query):
    link_for()
    assert_refused(Client().get(f"/ebay/connect/{query}"), "unknown")


def test_looking_at_a_link_does_not_use_it(simulator):
    link, client = link_for(), Client()
    parts = urlsplit(link)
    looked = client.head(f"{parts.path}?{parts.query}")
    assert (looked.status_code, looked.cookies) == (200, {})
    assert connect(link, SELLER, client=client).status_code == 200


# -- The way back ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["", "guess", "1d0bd0a1-0000-4000-8000-000000000000:1abcde:signature"])
def test_a_state_that_we_did_not_sign_is_refused(simulator, state):
    client = Client()
    open_link(link_for(), client)
    assert_refused(client.get(CALLBACK, {"state": state, "code": "v^1.1#x"}), "does not belong")
    assert token_posts(simulator) == []


def test_a_state_lives_ten_minutes(simulator):
    client = Client()
    address = return_address(link_for(), client)
    with time_machine.travel(timezone.now() + timedelta(minutes=10, seconds=2)):
        assert_refused(client.get(address), "ten minutes")
    assert token_posts(simulator) == []
    assert client.get(address).status_code == 200


def test_a_state_works_once(simulator):
    client = Client()
    address = return_address(link_for(), client)
    assert client.get(address).status_code == 200
    version = EbayToken.objects.get().version
    # The cookie went with the first answer; one that was kept does not help either.
    cookie = ConnectTicket.objects.get().cookie_hash
    assert client.get(address).status_code == 400
    assert (EbayToken.objects.get().version, ConnectTicket.objects.get().cookie_hash) == (version, cookie)
    assert len(token_posts(simulator)) == 1


def test_a_replay_with_the_same_cookie_is_refused(simulator):
    client = Client()
    address = return_address(link_for(), client)
    cookie = client.cookies[COOKIE].value
    client.get(address)
    client.cookies[COOKIE] = cookie
    assert "used already" in client.get(address).content.decode()
    assert len(token_posts(simulator)) == 1


@pytest.mark.parametrize("with_own_ticket", [False, True])
def test_another_browser_cannot_finish(simulator, with_own_ticket):
    owner, stranger = Client(), Client()
    address = return_address(link_for(), owner)
    if with_own_ticket:
        open_link(link_for(), stranger)
    assert_refused(stranger.get(address), "another browser")
    assert owner.get(address).status_code == 200


def test_declined_at_ebay_changes_nothing(simulator):
    response = connect(link_for(), SELLER, decision="decline")
    assert_refused(response, "declined")
    assert not EbayAccount.objects.exists()
    assert (AuditEvent.objects.latest("id").action, token_posts(simulator)) == ("connect_failed", [])
    assert "declined" in ConnectTicket.objects.get().outcome


def test_a_code_that_ebay_refuses_changes_nothing(simulator):
    client = Client()
    state = parse_qs(urlsplit(return_address(link_for(), client)).query)["state"][0]
    response = client.get(CALLBACK, {"state": state, "code": "v^1.1#i^1#forged-code-0123456789"})
    assert_refused(response, "invalid_grant")
    assert not EbayAccount.objects.exists()
    row = ConnectLog.objects.get()
    assert (row.action, row.response["status"], row.account) == ("code_exchanged", 400, None)
    assert row.organization == ConnectTicket.objects.get().organization
    assert len(token_posts(simulator)) == 1


@pytest.mark.parametrize("path", ["ws/api.dll", "commerce/identity"])
def test_an_identity_that_ebay_does_not_tell_changes_nothing(simulator, path):
    simulator.fault(path, "status", status=404)
    assert_refused(connect(link_for(), SELLER), "connection was not completed")
    assert not EbayAccount.objects.exists()


def test_a_fault_of_ours_is_recorded_and_seen(simulator, monkeypatch):
    monkeypatch.setattr("tokens.services.connect._save_token", lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        connect(link_for(), SELLER)
    assert not EbayAccount.objects.exists()
    assert "unexpectedly" in ConnectTicket.objects.get().outcome


# -- What is asked before --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"house_name": "  "}, "house name"),
        ({"house_name": "x" * 101}, "house name"),
        ({"purpose": "THIEF"}, "purpose must be one of"),
        ({"environment": "moon"}, "environment must be one of"),
    ],
)
def test_what_cannot_be_is_refused_before_ebay(values, why):
    with pytest.raises(ConnectRefused, match=why):
        link_for(**values)


def test_an_environment_without_a_keyset_is_refused_by_name(settings):
    empty = {"client_id": "", "client_secret": "", "runame": ""}
    settings.EBAY_APPLICATIONS = {**settings.EBAY_APPLICATIONS, "sandbox": empty}
    with pytest.raises(ConnectRefused, match="EBAY_SANDBOX_CLIENT_ID, EBAY_SANDBOX_CLIENT_SECRET"):
        link_for(environment="sandbox")


@pytest.mark.parametrize("keys", [[], ["weak"]])
def test_without_a_key_ring_nobody_is_sent_to_ebay(settings, keys):
    settings.TOKEN_ENCRYPTION_KEYS = keys
    with pytest.raises(ConnectRefused, match="TOKEN_ENCRYPTION_KEYS"):
        link_for()


@pytest.mark.parametrize("name", ["Warehouse-A", "warehouse-a", " WAREHOUSE-A "])
def test_a_taken_house_name_is_refused_whatever_its_case(simulator, name):
    organization = OrganizationFactory()
    AccountFactory(organization=organization, house_name="Warehouse-A")
    with pytest.raises(ConnectRefused, match="choose another"):
        link_for(organization, house_name=name)
    assert link_for(house_name=name)
    assert nothing_sent(simulator)


def test_a_house_name_taken_meanwhile_is_refused_at_the_end(simulator):
    organization, client = OrganizationFactory(), Client()
    address = return_address(link_for(organization), client)
    AccountFactory(organization=organization, house_name="WAREHOUSE-a", token=False)
    assert_refused(client.get(address), "choose another")
    assert EbayAccount.objects.count() == 1
    assert OrmQ.objects.count() == 0


def test_a_house_name_is_free_again_after_deactivation(simulator):
    organization = OrganizationFactory()
    AccountFactory(organization=organization, house_name="Warehouse-A", is_active=False)
    assert connect(link_for(organization), SELLER).status_code == 200
    assert EbayAccount.objects.filter(house_name="Warehouse-A").count() == 2
