"""The scopes we know (03 section 15), what needs them, and which to ask for at a consent."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from accounts.models import Purpose

from .models import ScopeDefinition

_PREFIX = "https://api.ebay.com/oauth/api_scope"

# scope suffix, grant, needed by
CATALOGUE: Sequence[tuple[str, str, str]] = (
    (
        "",
        "both",
        "connect, messages, active_inventory, buyer, cases, inquiries, returns; as the application: quotas, "
        "signing keys, notifications, sniper",
    ),
    ("/sell.fulfillment", "user", "orders"),
    ("/sell.fulfillment.readonly", "user", "orders"),
    ("/sell.finances", "user", "transactions, finances"),
    ("/sell.inventory", "user", "offers"),
    ("/sell.inventory.readonly", "user", "offers"),
    ("/sell.payment.dispute", "user", "cases"),
    ("/commerce.identity.readonly", "user", "connect"),
    ("/commerce.message", "user", ""),
    ("/commerce.notification.subscription", "user", ""),
    ("/buy.offer.auction", "user", "sniper"),
)
# eBay grants the bidding API only on approval: asking without it breaks the whole consent.
_INACTIVE_AT_FIRST = frozenset(
    {"/buy.offer.auction", "/commerce.message", "/commerce.notification.subscription"}
)

_BASE: tuple[str, ...] = ("", "/commerce.identity.readonly")
_SELLING = (
    "/sell.fulfillment.readonly",
    "/sell.finances",
    "/sell.inventory.readonly",
    "/sell.payment.dispute",
)
_BUYING = ("/buy.offer.auction",)


def scopes_for(purpose: str) -> list[str]:
    """The full scope URLs to ask for, without those that the catalogue marks inactive."""
    inactive = _inactive()
    return [scope for scope in _wanted(purpose) if scope not in inactive]


def _wanted(purpose: str) -> list[str]:
    wanted = _BASE
    if purpose in (Purpose.SELLER, Purpose.BOTH):
        wanted += _SELLING
    if purpose in (Purpose.BUYER, Purpose.BOTH):
        wanted += _BUYING
    return [_PREFIX + suffix for suffix in wanted]


def _inactive() -> set[str]:
    return set(ScopeDefinition.objects.filter(is_active=False).values_list("scope", flat=True))


@dataclass(frozen=True)
class ScopeLine:
    """One scope of an account. `state`: granted, missing (a reconnect asks for it), inactive (switched off in
    the catalogue and not asked for), extra (granted, and nothing of ours needs it for this purpose).
    """

    scope: str
    needed_by: str
    state: str

    @property
    def name(self) -> str:
        return self.scope.removeprefix(_PREFIX).removeprefix("/") or "basic access"


def scope_lines(purpose: str, granted: Collection[str]) -> list[ScopeLine]:
    """What an account of this purpose needs against what its consent gave, needed ones first."""
    wanted, inactive = _wanted(purpose), _inactive()
    needed_by = {_PREFIX + suffix: words for suffix, _, words in CATALOGUE}
    lines = [ScopeLine(scope, needed_by[scope], _state(scope, granted, inactive)) for scope in wanted]
    more = sorted(scope for scope in granted if scope.removesuffix(_READ_ONLY) not in _families(wanted))
    return lines + [ScopeLine(scope, needed_by.get(scope, ""), "extra") for scope in more]


_READ_ONLY = ".readonly"


def _families(scopes: Collection[str]) -> set[str]:
    return {scope.removesuffix(_READ_ONLY) for scope in scopes}


def _state(scope: str, granted: Collection[str], inactive: Collection[str]) -> str:
    # Who may write may read.
    if scope in granted or scope.removesuffix(_READ_ONLY) in granted:
        return "granted"
    return "inactive" if scope in inactive else "missing"


def covers(granted: Collection[str], needed: Collection[str]) -> bool:
    """Whether one of the `needed` scopes was granted; nothing needed is always covered."""
    return not needed or not set(needed).isdisjoint(granted)


def write_catalogue(**kwargs: Any) -> None:
    """Bring the table up to the code's catalogue; a person's `is_active` is kept (runs after migrate)."""
    ScopeDefinition.objects.bulk_create(
        [
            ScopeDefinition(
                scope=_PREFIX + suffix,
                grant_type=grant,
                needed_by=needed_by,
                is_active=suffix not in _INACTIVE_AT_FIRST,
            )
            for suffix, grant, needed_by in CATALOGUE
        ],
        update_conflicts=True,
        unique_fields=["scope"],
        update_fields=["grant_type", "needed_by"],
    )
