"""Connecting an eBay account: one-use link → eBay's consent page → callback → account with sealed tokens.

The console, the API and an owner without a login all take this one path. The `state` that travels
through eBay is signed, lives ten minutes, works once and only in the browser that opened the link.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core import signing
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django_q.tasks import async_task

from accounts.access import Principal
from accounts.audit import record_act
from accounts.models import EbayAccount, Organization, Purpose, Role
from ebayconnector.ebay import identity, oauth, trading
from ebayconnector.ebay.client import EbayClient
from ebayconnector.ebay.environments import Application
from ebayconnector.ebay.errors import EbayError
from ebayconnector.ebay.marketplaces import Site, site_for_marketplace, site_named
from tokens import sealing, wire
from tokens.models import ConnectLog, ConnectTicket, EbayToken, RefreshTrigger, TokenRefreshLog
from tokens.scopes import scopes_for

from . import notices

logger = logging.getLogger(__name__)

STATE_LIFE = timedelta(minutes=10)
LINK_LIFE = timedelta(minutes=10)
# An owner reads the mail with the link when it suits; the browser that we redirect comes at once.
OWNER_LINK_LIFE = timedelta(hours=24)
_STATE_SALT = "tokens.connect.state"
_US = 0


class ConnectRefused(Exception):
    """The account was not connected and nothing was changed; the text tells a person why and what to do.

    `kept` is what is stored of it when the text names somebody who is no account of ours: eBay may ask us to
    forget him. The exchange in the terminal shows who it was, and is found then.
    """

    def __init__(self, text: str, *, kept: str = "") -> None:
        super().__init__(text)
        self.kept = kept or text


@dataclass(frozen=True)
class ConsentRedirect:
    """Where to send the browser, and the cookie to give it."""

    url: str
    cookie: str


def create_connect_link(
    *,
    organization: Organization,
    house_name: str,
    purpose: str,
    environment: str,
    by: Principal,
    account: EbayAccount | None = None,
    for_owner: bool = False,
) -> tuple[ConnectTicket, str]:
    """A one-use link that starts a consent (a reconnect when `account` is given); role admin.

    Without `for_owner` it leads on to eBay at once and lives ten minutes. With it, it is to be sent to the
    owner: it lives a day, says what will happen, and is used up only by the button there. Raises NotAllowed,
    and ConnectRefused when the keyset or the key ring is not configured, the house name is empty or taken, or
    a reconnect does not fit its account.
    """
    by.require(Role.ADMIN, organization.pk)
    house_name = house_name.strip()
    _check_request(organization, house_name, purpose, environment, account)
    secret = secrets.token_urlsafe(32)
    ticket = ConnectTicket.objects.create(
        organization=organization,
        account=account,
        house_name=house_name,
        purpose=purpose,
        environment=environment,
        scopes=scopes_for(purpose),
        secret_hash=_hash(secret),
        created_by=by.user,
        created_by_label=by.label,
        link_expires_at=timezone.now() + (OWNER_LINK_LIFE if for_owner else LINK_LIFE),
        for_owner=for_owner,
    )
    record_act(
        by, "reconnect_started" if account else "connect_started", organization_id=organization.pk,
        target=account or ticket, house_name=house_name, environment=environment, for_owner=for_owner,
    )  # fmt: skip
    return ticket, f"{settings.PUBLIC_URL}/ebay/connect/?ticket={secret}"


def _check_request(
    organization: Organization, house_name: str, purpose: str, environment: str, account: EbayAccount | None
) -> None:
    if not house_name or len(house_name) > 100:
        raise ConnectRefused("give the account a house name of 1 to 100 characters")
    if purpose not in Purpose.values:
        raise ConnectRefused(f"purpose must be one of {', '.join(Purpose.values)}")
    if environment not in settings.EBAY_ENVIRONMENTS:
        raise ConnectRefused(f"environment must be one of {', '.join(settings.EBAY_ENVIRONMENTS)}")
    if account and (account.organization_id, account.environment) != (organization.pk, environment):
        raise ConnectRefused("an account never moves to another organisation or environment")
    _application(environment)
    try:
        sealing.key_ring()
    except sealing.KeyRingError as failure:
        raise ConnectRefused(f"TOKEN_ENCRYPTION_KEYS cannot be used: {failure}") from None
    taken = EbayAccount.objects.filter(
        organization=organization, house_name__iexact=house_name, is_active=True
    ).exclude(pk=account.pk if account else 0)
    if taken.exists():
        raise _name_taken(house_name)


def _name_taken(house_name: str) -> ConnectRefused:
    return ConnectRefused(f"another active account is called {house_name}; choose another house name")


def usable_link(secret: str) -> ConnectTicket:
    """The ticket of a link that still works; looking uses nothing up. Raises ConnectRefused."""
    ticket = _usable(secret).select_related("organization", "account").first()
    if ticket is None:
        raise _unusable()
    return ticket


def _usable(secret: str) -> QuerySet[ConnectTicket]:
    return ConnectTicket.objects.filter(
        secret_hash=_hash(secret), started_at=None, revoked_at=None, link_expires_at__gt=timezone.now()
    )


def _unusable() -> ConnectRefused:
    return ConnectRefused(
        "this link was used already, has expired, was withdrawn or is unknown; ask for a new one"
    )


def start_consent(secret: str) -> ConsentRedirect:
    """Use a link: bind a new cookie to the ticket and build eBay's consent URL. Raises ConnectRefused."""
    cookie = secrets.token_urlsafe(32)
    # One UPDATE: of two browsers that open it at once, one finds it used.
    if _usable(secret).update(started_at=timezone.now(), cookie_hash=_hash(cookie)) != 1:
        raise _unusable()
    ticket = ConnectTicket.objects.get(secret_hash=_hash(secret))
    state = signing.dumps(str(ticket.pk), salt=_STATE_SALT)
    url = oauth.authorize_url(
        _application(ticket.environment), scopes=ticket.scopes, state=state, prompt="login"
    )
    return ConsentRedirect(url, cookie)


def _application(environment: str) -> Application:
    try:
        return wire.application(environment)
    except wire.ApplicationNotConfigured as failure:
        raise ConnectRefused(f"the environment {environment} is {failure}") from None


def finish_consent(
    *, state: str, cookie: str, code: str, error: str = "", ip_address: str | None = None
) -> EbayAccount:
    """eBay sent the browser back: check, exchange the code, ask who it is, save. Raises ConnectRefused.

    No transaction is open while eBay is asked; everything is saved in one. `ip_address` is the browser's.
    """
    ticket = _claim_return(state, cookie)
    try:
        account = _connected_account(ticket, code, error)
    except ConnectRefused as refused:
        _finish(ticket, refused.kept, None, ip_address)
        raise
    # Whatever ends it, the ticket and the audit say so; it goes on being raised.
    except BaseException:
        _finish(ticket, "failed unexpectedly; see the log", None, ip_address)
        raise
    _finish(ticket, "connected", account, ip_address)
    return account


def _claim_return(state: str, cookie: str) -> ConnectTicket:
    try:
        ticket_id = signing.loads(state, salt=_STATE_SALT, max_age=STATE_LIFE)
    except signing.SignatureExpired:
        raise ConnectRefused("more than ten minutes passed at eBay; start again with a new link") from None
    except signing.BadSignature:
        raise ConnectRefused("this answer does not belong to a connection that was started here") from None
    ticket = ConnectTicket.objects.filter(pk=ticket_id).select_related("organization", "account").first()
    if ticket is None or not hmac.compare_digest(ticket.cookie_hash, _hash(cookie)):
        raise ConnectRefused("this answer belongs to another browser; start again in this one")
    fresh = ConnectTicket.objects.filter(pk=ticket.pk, returned_at=None, revoked_at=None)
    if fresh.update(returned_at=timezone.now()) != 1:
        raise ConnectRefused("this answer was used already, or its link was withdrawn; ask for a new link")
    return ticket


def _finish(ticket: ConnectTicket, outcome: str, account: EbayAccount | None, ip_address: str | None) -> None:
    ConnectTicket.objects.filter(pk=ticket.pk).update(
        finished_at=timezone.now(), outcome=outcome[:200], connected_account=account
    )
    by = Principal(label=ticket.created_by_label, user=ticket.created_by, ip_address=ip_address)
    record_act(
        by, "connected" if account else "connect_failed", organization_id=ticket.organization_id,
        target=account or ticket.account or ticket, result=outcome, house_name=ticket.house_name,
    )  # fmt: skip


def _connected_account(ticket: ConnectTicket, code: str, error: str) -> EbayAccount:
    if error or not code:
        raise ConnectRefused("the consent was declined at eBay; nothing was changed")
    caller = wire.ConnectCaller(
        account_id=ticket.account_id, source="connect", organization_id=ticket.organization_id
    )
    try:
        grant = oauth.exchange_code(
            wire.transport(), _application(ticket.environment), code=code,
            caller=replace(caller, action="code_exchanged"),
        )  # fmt: skip
        if not grant.refresh_token:
            raise ConnectRefused("there was no refresh token in the answer; check the keyset and try again")
        person = _ask_who(ticket, grant.access_token, caller)
    except EbayError as failure:
        raise ConnectRefused(f"the connection was not completed: {failure}") from failure
    account = _save(ticket, grant, person)
    ConnectLog.objects.filter(pk__in=caller.log_ids).update(account=account)
    return account


@dataclass(frozen=True)
class _Person:
    """Who eBay says the consent came from."""

    ebay_user_id: str
    username: str
    eias_token: str
    site: Site


@dataclass(frozen=True)
class _JustGranted:
    """The token source of an account that does not exist yet: nothing to renew."""

    token: str = field(repr=False)

    def get(self) -> str:
        return self.token

    def renew(self, rejected: str, *, api: str) -> str:
        return self.token


def _ask_who(ticket: ConnectTicket, access_token: str, caller: wire.ConnectCaller) -> _Person:
    """Identity getUser and Trading GetUser (03 §2, §3.4).

    The sandbox's Identity answers with mock data that cannot tell two users apart: there the stable
    EIAS token of Trading GetUser is the identity.
    """
    client = EbayClient(
        wire.environment(ticket.environment),
        wire.transport(),
        _JustGranted(access_token),
        marketplace_id="EBAY_US",
        caller=caller,
        # A person waits in front of a browser.
        attempts=2,
    )
    trader = trading.get_user(client, site_id=_US)
    if ticket.environment == "sandbox":
        return _Person(f"eias:{trader.eias_token}", trader.user_id, trader.eias_token, _site("", trader.site))
    user = identity.get_user(client)
    return _Person(
        user.user_id,
        user.username or trader.user_id,
        trader.eias_token,
        _site(user.registration_marketplace_id, trader.site),
    )


def _site(marketplace_id: str, site_name: str) -> Site:
    """Identity says the marketplace, Trading the site: of two sites of one marketplace the one it names."""
    named = site_named(site_name)
    if named and named.marketplace_id == marketplace_id:
        return named
    site = site_for_marketplace(marketplace_id) or named
    if site is None:
        said = marketplace_id or site_name
        raise ConnectRefused(f"the account belongs to {said!r}, a marketplace we do not know")
    return site


def _save(ticket: ConnectTicket, grant: oauth.TokenGrant, person: _Person) -> EbayAccount:
    if ticket.account and ticket.account.ebay_user_id != person.ebay_user_id:
        raise ConnectRefused(
            f"{ticket.account.house_name} belongs to the eBay user {ticket.account.username}, but "
            f"{person.username} gave the consent; nothing was changed. "
            f"Log in at eBay as {ticket.account.username}.",
            kept="another eBay user gave the consent; nothing was changed",
        )
    try:
        with transaction.atomic():
            account = _save_account(ticket, person)
            _save_token(account, ticket.scopes, grant)
            # By name: what is done with a connected account is above this app.
            async_task(
                "syncworkers.tasks.start_account", account.pk, cluster="core", task_name="start_account"
            )
    except IntegrityError as failure:
        if "one_active_house_name" not in str(failure):
            raise
        raise _name_taken(ticket.house_name) from None
    logger.info("connected account=%s house_name=%s", account.pk, account.house_name)
    notices.look_at_account(account.pk)
    return account


def _save_account(ticket: ConnectTicket, person: _Person) -> EbayAccount:
    """A new account, or the same eBay user coming back; a name is given only to one that was not active."""
    key: dict[str, Any] = {
        "organization": ticket.organization,
        "environment": ticket.environment,
        "ebay_user_id": person.ebay_user_id,
    }
    active = EbayAccount.objects.filter(**key, is_active=True).first()
    if active and active.pk != ticket.account_id:
        raise ConnectRefused(
            f"the eBay user {person.username} is connected already, as {active.house_name}; nothing was "
            f"changed. To renew its consent, reconnect {active.house_name}; to connect another eBay user, "
            "log in at eBay as that one.",
            kept=f"this eBay user is connected already, as {active.house_name}; nothing was changed",
        )
    said_by_ebay = {
        "username": person.username,
        "eias_token": person.eias_token,
        "marketplace_id": person.site.marketplace_id,
        "site_id": person.site.site_id,
        "connected_at": timezone.now(),
        "is_active": True,
        "deactivated_at": None,
    }
    asked = {} if active else {"house_name": ticket.house_name, "purpose": ticket.purpose}
    account, _ = EbayAccount.objects.update_or_create(**key, defaults=said_by_ebay | asked)
    return account


def _save_token(account: EbayAccount, scopes: Sequence[str], grant: oauth.TokenGrant) -> None:
    ring = sealing.key_ring()
    now = timezone.now()

    def sealed(field: str, value: str) -> str:
        return ring.seal(value, sealing.Binding(field, account.environment, account.ebay_user_id, account.pk))

    lasts = grant.refresh_token_expires_in
    values = {
        "access_token_sealed": sealed("access_token", grant.access_token),
        "refresh_token_sealed": sealed("refresh_token", grant.refresh_token or ""),
        "granted_scopes": list(scopes),
        "consented_at": now,
        "expires_at": now + timedelta(seconds=grant.expires_in),
        "refresh_token_expires_at": now + timedelta(seconds=lasts) if lasts else None,
        "last_refreshed_at": now,
        "last_refreshed_by": "connect",
        "refresh_error": "",
        "next_attempt_at": None,
        "lease_id": None,
        "lease_until": None,
    }
    token, created = EbayToken.objects.select_for_update().get_or_create(account=account, defaults=values)
    if not created:
        for name, value in values.items():
            setattr(token, name, value)
        token.version += 1
        token.consent_version += 1
        token.save()
    # A consent ends a row of failures: what was refused before it says nothing about it.
    TokenRefreshLog.objects.create(
        account=account, triggered_by=RefreshTrigger.CONNECT, success=True,
        started_at=now, finished_at=now, new_expires_at=token.expires_at,
    )  # fmt: skip


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
