"""Filters of snipes and their log."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django_filters import CharFilter

from accounts.api.lists import ChoicesFilter, Filters, IdFilter, SwitchFilter
from accounts.api.scoping import visible_or_404
from accounts.models import EbayAccount
from sniper.models import LIVE, Snipe, SnipeStatus


class SnipeFilters(Filters):
    ebay_account_id = IdFilter(method="of_account", help_text="Foreign and unknown accounts answer 404")
    status = ChoicesFilter(lookup_expr="in", choices=SnipeStatus.choices)
    item_id = CharFilter()
    group_id = IdFilter()
    live = SwitchFilter(method="that_live", help_text="true: not ended yet; false: ended")

    class Meta:
        model = Snipe
        fields: list[str] = []

    def of_account(self, snipes: QuerySet[Snipe], name: str, value: int) -> QuerySet[Any]:
        visible_or_404(EbayAccount.objects.all(), self.request, value)
        return snipes.filter(account_id=value)

    def that_live(self, snipes: QuerySet[Snipe], name: str, value: bool) -> QuerySet[Any]:
        return snipes.filter(status__in=LIVE) if value else snipes.exclude(status__in=LIVE)


class EventFilters(Filters):
    after = IdFilter(field_name="id", lookup_expr="gt", help_text="Only lines after the one with this id")
