"""The scopes we know (03 section 15), what needs them, and which to ask for at a consent."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from accounts.models import Purpose

from .models import ScopeDefinition

_PREFIX = "https://api.ebay.com/oauth/api_scope"

# scope suffix, grant, needed by
CATALOGUE: Sequence[tuple[str, str, str]] = (
    ("", "both", "connect, messages, active_inventory, buyer, cases, inquiries, returns"),
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
    wanted = _BASE
    if purpose in (Purpose.SELLER, Purpose.BOTH):
        wanted += _SELLING
    if purpose in (Purpose.BUYER, Purpose.BOTH):
        wanted += _BUYING
    full = [_PREFIX + suffix for suffix in wanted]
    inactive = set(
        ScopeDefinition.objects.filter(scope__in=full, is_active=False).values_list("scope", flat=True)
    )
    return [scope for scope in full if scope not in inactive]


def covers(granted: Collection[str], needed: Collection[str]) -> bool:
    """Whether one of the `needed` scopes was granted; nothing needed is always covered."""
    return not needed or not set(needed).isdisjoint(granted)


def write_catalogue(**kwargs: Any) -> None:
    """Bring the table up to the code's catalogue; a person's `is_active` is kept (runs after migrate)."""
    known = set(ScopeDefinition.objects.values_list("scope", flat=True))
    ScopeDefinition.objects.bulk_create(
        [
            ScopeDefinition(
                scope=_PREFIX + suffix,
                grant_type=grant,
                needed_by=needed_by,
                is_active=suffix not in _INACTIVE_AT_FIRST,
            )
            for suffix, grant, needed_by in CATALOGUE
            if _PREFIX + suffix not in known
        ],
        ignore_conflicts=True,
    )
