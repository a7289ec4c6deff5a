"""Lists of what workers did: the family by its title, as a column and as a filter."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.db.models import QuerySet
from django.http import HttpRequest

from syncworkers.registry import WORKERS
from syncworkers.titles import family_title


class FamilyFilter(admin.SimpleListFilter):
    title = "worker"
    parameter_name = "api_family"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [(key, worker.title) for key, worker in WORKERS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(api_family=self.value()) if self.value() else queryset


class FamilyColumn:
    """For rows with `api_family`."""

    @display(description="worker", ordering="api_family")
    def worker(self, row: Any) -> str:
        return family_title(row.api_family)
