"""Filters of the list of runs."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django_filters import CharFilter

from accounts.api.lists import ChoicesFilter, Filters, IdFilter
from accounts.api.scoping import visible_or_404
from accounts.models import EbayAccount
from syncworkers.models import RunStatus, Trigger, WorkerRun

from .inputs import worker_named


class RunFilters(Filters):
    account_id = IdFilter(method="of_account", help_text="Foreign and unknown accounts answer 404")
    api_family = CharFilter(method="of_family")
    api = CharFilter(method="of_family", help_text="The same as api_family")
    status = ChoicesFilter(lookup_expr="in", choices=RunStatus.choices)
    trigger = ChoicesFilter(lookup_expr="in", choices=Trigger.choices)

    class Meta:
        model = WorkerRun
        fields: list[str] = []

    def of_account(self, runs: QuerySet[WorkerRun], name: str, value: int) -> QuerySet[Any]:
        visible_or_404(EbayAccount.objects.all(), self.request, value)
        return runs.filter(account_id=value)

    def of_family(self, runs: QuerySet[WorkerRun], name: str, value: str) -> QuerySet[Any]:
        return runs.filter(api_family=worker_named(value).key)


class LogFilters(Filters):
    after = IdFilter(field_name="id", lookup_expr="gt", help_text="Only lines after the one with this id")
