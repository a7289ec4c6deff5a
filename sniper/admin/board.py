"""The page of the snipes: the live ones with their countdown, the latest ended, and whether all is ready."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.access import Principal
from accounts.models import EbayAccount, Organization, Role
from accounts.scoped_admin import console_page, may_somewhere
from sniper.access import BiddingAccess, bidding_access, readiness
from sniper.models import LIVE, Snipe, SniperSwitch
from sniper.selectors import running_executors

from .words import access_badge, lines

_LIVE_SHOWN = 200
_ENDED_SHOWN = 25


@dataclass(frozen=True)
class Bidder:
    """An account that bids, has bid or may bid, and what would keep it from bidding now."""

    account: EbayAccount
    access: BiddingAccess
    warning: str

    @property
    def badge(self) -> SafeString:
        return access_badge(self.access)


@dataclass(frozen=True)
class Switch:
    """The sniper of an organisation (None: of the installation)."""

    organization: Organization | None
    off: SniperSwitch | None
    may: bool


@never_cache
@require_GET
@console_page
def snipes(request: HttpRequest, principal: Principal) -> HttpResponse:
    context = {**admin.site.each_context(request), "title": "Snipes", **board(principal)}
    return render(request, "sniper/snipes.html", context)


@never_cache
@require_GET
@console_page
def snipes_board(request: HttpRequest, principal: Principal) -> HttpResponse:
    """The part of the page that is polled."""
    return render(request, "sniper/_board.html", board(principal))


def board(principal: Principal) -> dict[str, Any]:
    executors = running_executors()
    visible = Snipe.objects.visible_to(principal).select_related("account", "group")
    live = list(visible.filter(status__in=LIVE).order_by("fire_at", "id")[: _LIVE_SHOWN + 1])
    ended = list(visible.exclude(status__in=LIVE).order_by("-finished_at", "-id")[:_ENDED_SHOWN])
    switches = _switches(principal)
    return {
        "live": lines(live[:_LIVE_SHOWN], executors),
        "has_more": len(live) > _LIVE_SHOWN,
        "ended": lines(ended, executors),
        "executors": executors,
        "bidders": bidders(principal),
        "switches": switches,
        "off": [switch for switch in switches if switch.off],
        "may_plan": may_somewhere(principal, Role.OPERATOR),
        "is_member": may_somewhere(principal, Role.VIEWER),
    }


def bidders(principal: Principal) -> Sequence[Bidder]:
    """The active accounts that buy, or that have snipes."""
    accounts = (
        EbayAccount.objects.visible_to(principal)
        .filter(is_active=True)
        .filter(Q(purpose__in=("BUYER", "BOTH")) | Q(snipes__isnull=False))
        .select_related("token", "organization")
        .order_by("house_name", "id")
        .distinct()
    )
    return [
        Bidder(account, bidding_access(account), readiness(account).warning) for account in accounts
    ]  # fmt: skip


def _switches(principal: Principal) -> list[Switch]:
    """The installation's for those who may press it or while it is off, then the organisations'."""
    off = {switch.organization_id: switch for switch in SniperSwitch.objects.filter(enabled=False)}
    organizations = Organization.objects.visible_to(principal).order_by("name")
    found = [
        Switch(one, off.get(one.pk), principal.may(Role.OPERATOR, one.pk)) for one in organizations
    ]  # fmt: skip
    if principal.everywhere or None in off:
        found.insert(0, Switch(None, off.get(None), principal.everywhere))
    return found
