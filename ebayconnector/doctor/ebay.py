"""eBay itself: keysets, notifications, whether it answers, what it paused, and what we kept of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.utils import timezone

from accounts.display import from_now
from ebayconnector.ebay.errors import EbayError
from ebayconnector.ebay.transport import Call, Caller
from tokens import wire
from tokens.models import ConnectLog
from tokens.selectors import pauses_in_force
from tokens.services.notification_setup import setup_states

from .findings import Finding, Level, environments_in_use, name_of

_REACH_WITHIN_S = 5.0


def terminal() -> Iterator[Finding]:
    since = timezone.now() - timedelta(days=1)
    lost = ConnectLog.objects.filter(action=wire.NOT_KEPT, created_at__gt=since).count()
    if lost:
        detail = f"{lost} exchange{'s were' if lost > 1 else ' was'} not kept since yesterday"
        advice = "report it as a fault; the log of the process says why"
        yield Finding(Level.PROBLEM, "terminal", detail, advice)
    else:
        yield Finding(Level.OK, "terminal", "every exchange since yesterday was kept")


def keysets() -> Iterator[Finding]:
    for name in environments_in_use():
        try:
            wire.application(name)
        except wire.ApplicationNotConfigured as failure:
            yield Finding(
                Level.PROBLEM, "keyset", f"{name}: {failure}", "copy them from eBay's developer page"
            )
        else:
            yield Finding(Level.OK, "keyset", f"{name} is configured")


def notifications() -> Iterator[Finding]:
    for state in setup_states(environments_in_use()):
        yield Finding(Level(state.level), "notifications", state.detail, state.advice)


def reachable() -> Iterator[Finding]:
    for name in environments_in_use():
        yield _reach(name)


def _reach(name: str) -> Finding:
    """Any answer will do: without credentials it is rarely a 200."""
    host = wire.environment(name).api
    call = Call(
        environment=name, api="doctor", endpoint="reach", method="GET", url=f"{host}/", headers={}, body=None,
        attempt=1, caller=Caller(source="doctor"),
    )  # fmt: skip
    try:
        status: int | None = wire.transport().send(call, deadline_s=_REACH_WITHIN_S, connect_s=3.0).status
    except EbayError as failure:
        if failure.status is None:
            advice = "check name resolution, firewall and proxy of this machine"
            return Finding(Level.PROBLEM, "eBay", f"{name}: {host}: {failure.summary}", advice)
        status = failure.status
    return Finding(Level.OK, "eBay", f"{name}: {host} answers ({status})")


def pauses() -> Iterator[Finding]:
    pauses = list(pauses_in_force())
    for pause in pauses:
        whom = name_of(pause.account) if pause.account else "all accounts"
        yield Finding(
            Level.WARNING, "pauses",
            f"{pause.environment} {pause.api}, {whom}: ends {from_now(pause.until)} ({pause.reason})",
            "nothing: calls go on by themselves",
        )  # fmt: skip
    if not pauses:
        yield Finding(Level.OK, "pauses", "no API is paused")
