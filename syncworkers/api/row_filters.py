"""Filters of eBay data, made from a table's columns.

Text columns filter by equality, `…_status`, `…_state` and `…_type` also by several words; times by `…_from`
(included) and `…_to` (excluded); the account by its id.
"""

from __future__ import annotations

from functools import cache, reduce
from operator import or_
from typing import Any

from django.db import models
from django.db.models import Exists, OuterRef, Q, QuerySet
from django_filters import CharFilter, IsoDateTimeFilter
from django_filters.filters import Filter

from accounts.api.lists import Filters, IdFilter, SwitchFilter, WordsFilter

from .row_sources import SOURCES, RowSource

# Searched besides the ids, where a table has them.
_SEARCHED = ("buyer_username", "ship_to_name", "title", "sku", "order_id", "payout_id", "memo")
# Parameters of every list; a column of such a name is filtered by `<name>_is`.
_TAKEN = frozenset({"format", "limit", "offset", "ordering", "search"})


@cache
def row_filters(key: str) -> type[Filters]:
    """The filters of a source."""
    source = SOURCES[key]
    filters: dict[str, Any] = {
        "account": IdFilter(field_name="account_id", help_text="The account's id"),
        "account_id": IdFilter(field_name="account_id", help_text="The same as account"),
        "search": CharFilter(method="searched", help_text="Part of an id, name or title"),
    }
    if any(field.name == "closed_at" for field in source.model._meta.concrete_fields):
        filters["closed"] = SwitchFilter(field_name="closed_at", lookup_expr="isnull", exclude=True)
    for field in source.model._meta.concrete_fields:
        filters |= _column_filters(field)
    if "buyer_username" in filters:
        filters["buyer"] = CharFilter(field_name="buyer_username", help_text="The same as buyer_username")
    if _children_with(source, "fee_type"):
        filters["fee"] = CharFilter(method="with_fee", help_text="Rows with a fee of this type")
    if _children_with(source, "sku"):
        filters["sku"] = CharFilter(method="with_sku", help_text="Rows with a line of this SKU")
    meta = type("Meta", (), {"model": source.model, "fields": []})
    name = f"{source.model.__name__}Filters"
    return type(name, (_RowFilters,), {**filters, "Meta": meta, "source": source})


class _RowFilters(Filters):
    source: RowSource

    def searched(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        own = {field.name for field in self.source.model._meta.concrete_fields}
        columns = {*self.source.ids, *(own & set(_SEARCHED))}
        condition = reduce(or_, (Q(**{f"{column}__icontains": value}) for column in columns))
        for child in _children_with(self.source, "title"):
            condition |= _has_child(child, {"title__icontains": value})
        return rows.filter(condition)

    def with_sku(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return self._with_child(rows, "sku", value)

    def with_fee(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return self._with_child(rows, "fee_type", value)

    def _with_child(self, rows: QuerySet[Any], column: str, value: str) -> QuerySet[Any]:
        conditions = [_has_child(child, {column: value}) for child in _children_with(self.source, column)]
        return rows.filter(reduce(or_, conditions))


def _has_child(child: Any, condition: dict[str, str]) -> Q:
    """EXISTS, not a join: a row with two such lines must not come twice."""
    lines = child.model._default_manager.filter(**{child.parent: OuterRef("pk")}, **condition)
    return Q(Exists(lines))


def _children_with(source: RowSource, column: str) -> list[Any]:
    return [
        child
        for child in source.children.values()
        if any(field.name == column for field in child.model._meta.concrete_fields)
    ]


def _column_filters(field: models.Field[Any, Any]) -> dict[str, Filter]:
    name = field.name
    if isinstance(field, models.DateTimeField):
        short = time_name(name)
        return {
            f"{short}_from": IsoDateTimeFilter(field_name=name, lookup_expr="gte"),
            f"{short}_to": IsoDateTimeFilter(field_name=name, lookup_expr="lt"),
        }
    if not isinstance(field, models.CharField):
        return {}
    if name.endswith(("_status", "_state", "_type")):
        return {name: WordsFilter(field_name=name, lookup_expr="in", help_text="One word or several: a,b")}
    return {f"{name}_is" if name in _TAKEN else name: CharFilter(field_name=name)}


def time_name(column: str) -> str:
    """created_at_ebay → created, ebay_modified_at → modified, changed_at → changed."""
    return column.removesuffix("_ebay").removeprefix("ebay_").removesuffix("_at")
