"""The eBay client, wired to this product: settings in, observers attached.

Everything that talks to eBay gets its environment, application and transport here (clients with an
account's tokens: `services.clients`). The environment is always an argument.
"""

from __future__ import annotations

import functools
import json
import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.conf import settings
from django.db import connection

from accounts.models import EbayAccount
from ebayconnector.database import fetch_one
from ebayconnector.ebay.clock import ClockOffset
from ebayconnector.ebay.environments import Application, Environment, environment_named
from ebayconnector.ebay.transport import Call, Caller, Exchange, Transport

from .allowances import Allowances, QuotaKey, allowances
from .models import ConnectLog
from .named_exchanges import remember_exchange
from .passive_health import NoteHealth
from .quotas import Lane, lane_of, quota_api

logger = logging.getLogger(__name__)

_IDENTITY_APIS = frozenset({"token", "identity"})
_RUNS_REMEMBERED = 100


class ApplicationNotConfigured(Exception):
    """The keyset of an environment is missing from the settings; the text names the variables."""


@dataclass(frozen=True, slots=True)
class ConnectCaller(Caller):
    """A connection under way: its exchanges are the organisation's before there is an account.

    `log_ids` collects the rows written, so that they can be given to the account once it exists.
    """

    organization_id: int | None = None
    log_ids: list[int] = field(default_factory=list, compare=False)


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


def quota_key(environment_name: str, api: str) -> QuotaKey:
    """Under whose name eBay counts a call in this environment."""
    client_id = settings.EBAY_APPLICATIONS[environment_name]["client_id"]
    return QuotaKey(environment_name, client_id, api)


def refuse_inside_transaction(what: str) -> None:
    """Raise HttpInsideTransaction when a transaction is open.

    What is kept of a call must survive its caller's rollback, and eBay's answer time would be our lock time.
    """
    if connection.in_atomic_block:
        raise HttpInsideTransaction(f"{what} called inside a database transaction")


class RefuseInsideTransaction:
    """No HTTP while a transaction is open."""

    def before_call(self, call: Call) -> None:
        refuse_inside_transaction(call.endpoint)

    def after_exchange(self, exchange: Exchange) -> None:
        pass


class CountCalls:
    """Takes each call from the day's quota before it is sent; those of the first lane are counted afterwards.

    Remembers too how many calls of which API a run made, until the run's end asks.
    """

    def __init__(self, allowances: Allowances) -> None:
        self._allowances = allowances
        self._of_runs: dict[int, Counter[str]] = {}

    def before_call(self, call: Call) -> None:
        lane = lane_of(call.api, call.caller.lane)
        if lane != Lane.FIRST:
            self._allowances.take(quota_key(call.environment, quota_api(call.api, call.endpoint)), lane)
        if call.caller.run_id is not None:
            self._of_runs.setdefault(call.caller.run_id, Counter())[quota_api(call.api, call.endpoint)] += 1

    def after_exchange(self, exchange: Exchange) -> None:
        call = exchange.call
        if lane_of(call.api, call.caller.lane) == Lane.FIRST:
            self._allowances.count(quota_key(call.environment, quota_api(call.api, call.endpoint)))

    def calls_of_run(self, run_id: int) -> dict[str, int]:
        """How many calls the run made, by API, since this was asked the last time."""
        made = dict(self._of_runs.pop(run_id, {}))
        # Runs that lost their fence never ask; what they leave behind must not grow for ever.
        for forgotten in list(self._of_runs)[:-_RUNS_REMEMBERED]:
            self._of_runs.pop(forgotten, None)
        return made


class KeepIdentityExchanges:
    """Writes each exchange with eBay's identity service to ConnectLog: what the terminal shows."""

    def before_call(self, call: Call) -> None:
        pass

    def after_exchange(self, exchange: Exchange) -> None:
        call = exchange.call
        if call.api not in _IDENTITY_APIS and call.caller.source != "connect":
            return
        try:
            row = _keep(exchange)
            _remember_people(exchange, row)
        # Whatever it was: people must see that a row is missing. The transport logs what is raised.
        except Exception as failure:
            _keep_that_it_was_not_kept(exchange, failure)
            raise
        if isinstance(call.caller, ConnectCaller):
            call.caller.log_ids.append(row.pk)


NOT_KEPT = "exchange_not_kept"


def _keep(exchange: Exchange) -> ConnectLog:
    caller = exchange.call.caller
    organization_id = _organization_of(caller)
    return ConnectLog.objects.create(
        organization_id=organization_id,
        account_id=caller.account_id if organization_id else None,
        environment=exchange.call.environment,
        action=_action(exchange),
        source=caller.source,
        request=_request(exchange),
        response=_response(exchange),
        error=_storable(exchange.error or ""),
    )


def _remember_people(exchange: Exchange, row: ConnectLog) -> None:
    """A user who asks to be forgotten is found in what eBay told about him."""
    if exchange.call.endpoint.lower() == "getuser":
        body = str(row.response.get("body") or "")
        remember_exchange(row.pk, environment=row.environment, body=body, account_id=row.account_id)


def _keep_that_it_was_not_kept(exchange: Exchange, failure: Exception) -> None:
    caller = exchange.call.caller
    organization_id = _organization_of(caller)
    ConnectLog.objects.create(
        organization_id=organization_id,
        account_id=caller.account_id if organization_id else None,
        environment=exchange.call.environment,
        action=NOT_KEPT,
        source=caller.source,
        response={"status": exchange.status},
        error=f"this exchange could not be kept: {type(failure).__name__} (a fault of ours; see the log)",
    )


def _organization_of(caller: Caller) -> int | None:
    """Whose exchange it is; None for the application's own, and when the account is gone meanwhile."""
    if caller.account_id is None:
        return caller.organization_id if isinstance(caller, ConnectCaller) else None
    row = fetch_one("SELECT organization_id FROM ebay_accounts WHERE id = %s", [caller.account_id])
    return row[0] if row else None


def _action(exchange: Exchange) -> str:
    action = exchange.call.caller.action or exchange.call.endpoint
    if action == "app_token_minted" and not _brought_token(exchange):
        return "app_token_failed"
    if action != "token_refresh":
        return action
    if exchange.call.caller.source == "debug":
        return "token_refresh_debug"
    if _brought_token(exchange):
        return "token_refreshed"
    refused = exchange.status is not None and 400 <= exchange.status < 500 and exchange.status != 429
    return "token_refresh_failed" if refused else "token_refresh_error"


def _brought_token(exchange: Exchange) -> bool:
    """A 200 alone is no success: the answer may be cut, or be a gateway's page."""
    if exchange.status != 200 or exchange.error:
        return False
    try:
        document = json.loads(exchange.body or b"")
    except ValueError:
        return False
    return isinstance(document, dict) and bool(document.get("access_token"))


def _request(exchange: Exchange) -> dict[str, object]:
    return {
        "method": exchange.call.method,
        "url": exchange.masked_url,
        "headers": _storable_headers(exchange.masked_request_headers),
        "body": _storable(exchange.masked_request_body),
    }


def _response(exchange: Exchange) -> dict[str, object]:
    return {
        "status": exchange.status,
        "headers": _storable_headers(exchange.masked_response_headers),
        "body": _storable(exchange.masked_response_body),
        "duration_ms": round(exchange.duration_s * 1000),
    }


def _storable_headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {_storable(name): _storable(value) for name, value in headers.items()}


def _storable(text: str) -> str:
    """PostgreSQL stores no U+0000 and no half of a pair, which a broken answer may hold."""
    return text.replace("\x00", "\ufffd").encode(errors="replace").decode()


@functools.cache
def call_counter() -> CountCalls:
    """That of this process."""
    return CountCalls(allowances())


@functools.cache
def transport() -> Transport:
    """The transport of this process: one connection pool, all observers."""
    return Transport([RefuseInsideTransaction(), call_counter(), KeepIdentityExchanges(), NoteHealth()])


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
