"""The eBay client, wired to this product: settings in, observers attached.

Everything that talks to eBay gets its environment, application and transport here (clients with an
account's tokens: `services.clients`). The environment is always an argument.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Mapping

from django.conf import settings
from django.db import connection

from accounts.models import EbayAccount
from ebayconnector.ebay.clock import ClockOffset
from ebayconnector.ebay.environments import Application, Environment, environment_named
from ebayconnector.ebay.transport import Call, Exchange, Transport

from .models import ConnectLog

logger = logging.getLogger(__name__)

_IDENTITY_APIS = frozenset({"token", "identity"})


class ApplicationNotConfigured(Exception):
    """The keyset of an environment is missing from the settings; the text names the variables."""


class HttpInsideTransaction(RuntimeError):
    """A call to eBay was about to start while a transaction holds locks: a bug of ours."""


def environment(name: str) -> Environment:
    return environment_named(name, simulator_url=settings.EBAY_SIMULATOR_URL)


def application(environment_name: str) -> Application:
    """The keyset of an environment. Raises ApplicationNotConfigured."""
    keys = settings.EBAY_APPLICATIONS[environment_name]
    missing = [f"EBAY_{environment_name.upper()}_{name.upper()}" for name, value in keys.items() if not value]
    if missing:
        raise ApplicationNotConfigured(f"not configured: set {', '.join(missing)}")
    return Application(environment=environment(environment_name), **keys)


class RefuseInsideTransaction:
    """No HTTP while a transaction is open: eBay's answer time would become our lock time."""

    def before_call(self, call: Call) -> None:
        if connection.in_atomic_block:
            raise HttpInsideTransaction(f"{call.endpoint} called inside a database transaction")

    def after_exchange(self, exchange: Exchange) -> None:
        pass


class KeepIdentityExchanges:
    """Writes each exchange with eBay's identity service to ConnectLog: what the terminal shows."""

    def before_call(self, call: Call) -> None:
        pass

    def after_exchange(self, exchange: Exchange) -> None:
        call = exchange.call
        if call.api not in _IDENTITY_APIS and call.caller.source != "connect":
            return
        organization_id = (
            EbayAccount.objects.filter(pk=call.caller.account_id)
            .values_list("organization_id", flat=True)
            .first()
            if call.caller.account_id
            else None
        )
        ConnectLog.objects.create(
            organization_id=organization_id,
            account_id=call.caller.account_id if organization_id else None,
            environment=call.environment,
            action=_action(exchange),
            source=call.caller.source,
            request=_request(exchange),
            response=_response(exchange),
            error=exchange.error or "",
        )


def _action(exchange: Exchange) -> str:
    action = exchange.call.caller.action or exchange.call.endpoint
    if action != "token_refresh":
        return action
    if exchange.call.caller.source == "debug":
        return "token_refresh_debug"
    if exchange.status == 200:
        return "token_refreshed"
    refused = exchange.status is not None and exchange.status < 500
    return "token_refresh_failed" if refused else "token_refresh_error"


def _request(exchange: Exchange) -> dict[str, object]:
    return {
        "method": exchange.call.method,
        "url": exchange.masked_url,
        "headers": dict(exchange.masked_request_headers),
        "body": exchange.masked_request_body,
    }


def _response(exchange: Exchange) -> dict[str, object]:
    return {
        "status": exchange.status,
        "headers": dict(exchange.masked_response_headers),
        "body": exchange.masked_response_body,
        "duration_ms": round(exchange.duration_s * 1000),
    }


@functools.cache
def transport() -> Transport:
    """The transport of this process: one connection pool, all observers."""
    return Transport([RefuseInsideTransaction(), KeepIdentityExchanges()])


@functools.cache
def clock(environment_name: str) -> ClockOffset:
    """eBay's clock as this process has measured it."""
    return ClockOffset()


def failure_row(
    *, account: EbayAccount, action: str, source: str, error: str, request: Mapping[str, object] | None = None
) -> None:
    """What failed before any HTTP shows in the terminal too."""
    ConnectLog.objects.create(
        organization_id=account.organization_id,
        account=account,
        environment=account.environment,
        action=action,
        source=source,
        request=dict(request or {}),
        error=error,
    )
