"""The demo's auctions and the snipes on them (used by `demo`)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import requests
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.access import SYSTEM
from accounts.models import EbayAccount
from sniper.models import SnipeGroup
from sniper.refusals import SnipeRefused
from sniper.services.groups import create_group
from sniper.services.plan import plan_snipe

HOUSE_NAME = "Warehouse-A"
GROUP = "One of two lamps"
# What the simulator is asked for, our maximum, and whether it belongs to the group.
_AUCTIONS: tuple[tuple[dict[str, Any], str, bool], ...] = (
    ({"title": "Brass desk lamp, 1950s", "ends_in_s": 100, "start": 12, "background": 5, "value": 24},
     "48.00", False),
    ({"title": "Rangefinder camera with case", "ends_in_s": 160, "start": 20,
      "rivals": [{"amount": 95, "before_end_s": 1.0}]}, "60.00", False),
    ({"title": "Reading lamp, green shade", "ends_in_s": 900, "start": 8, "background": 3, "value": 15},
     "30.00", True),
    ({"title": "Reading lamp, red shade", "ends_in_s": 903, "start": 8, "background": 3, "value": 15},
     "30.00", True),
    ({"title": "Wall clock, to be repaired", "ends_in_s": 86_400, "start": 5, "background": 8, "value": 40},
     "35.50", False),
)  # fmt: skip


class Command(BaseCommand):
    help = "Make the demo's auctions at the simulator and snipe them. Safe to repeat."

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.EBAY_ENVIRONMENT != "simulator":
            raise CommandError("this is for the demo only (EBAY_ENVIRONMENT=simulator)")
        account = EbayAccount.objects.get(house_name=HOUSE_NAME, is_active=True)
        group = _group(account)
        for auction, maximum, is_grouped in _AUCTIONS:
            answer = requests.post(f"{settings.EBAY_SIMULATOR_URL}/_sim/auctions", json=auction, timeout=10)
            answer.raise_for_status()
            _plan(account, answer.json()["itemIds"][0], maximum, group if is_grouped else None)


def _group(account: EbayAccount) -> SnipeGroup:
    known = SnipeGroup.objects.filter(organization=account.organization, name=GROUP).first()
    return known or create_group(
        account.organization, by=SYSTEM, name=GROUP, budget=Decimal("50.00"), currency="USD"
    )


def _plan(account: EbayAccount, item: str, maximum: str, group: SnipeGroup | None) -> None:
    try:
        plan_snipe(account, item=item, max_bid_amount=Decimal(maximum), by=SYSTEM, group=group)
    except SnipeRefused as refused:
        # A new simulator gives the same numbers again, and a snipe of the last demo may still wait.
        if refused.code != "already_planned":
            raise CommandError(refused.text) from refused
