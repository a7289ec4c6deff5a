"""What every table of eBay data has in the console: read-only, scoped, payload, CSV."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.contrib.admin.utils import flatten_fieldsets
from django.db import models
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.display import badge, pretty_json, when
from accounts.scoped_admin import ScopedAdmin
from syncworkers.mappers.reading import Maturity
from syncworkers.models import SyncedRow
from syncworkers.models.rows import MaturingRow
from syncworkers.money import money_text

# A cell that begins so is a formula to spreadsheets, and buyers choose what they write.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class _Echo:
    """A file that hands back what is written, for streaming."""

    def write(self, value: str) -> str:
        return value


class CsvAdmin(ScopedAdmin):
    """Read-only rows that can be taken along; `csv_columns` are model fields, in the order of the file."""

    actions = ("export_csv",)
    csv_columns: tuple[str, ...] = ()
    list_select_related = ("account",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """All of the page: what is no column of the table is a method here."""
        return flatten_fieldsets(self.get_fieldsets(request, obj))

    @admin.action(description="Export the selected rows as CSV")
    def export_csv(self, request: HttpRequest, rows: QuerySet[Any]) -> HttpResponseBase:
        name = f"{self.opts.model_name}s-{timezone.now():%Y%m%d-%H%M%S}.csv"
        response = StreamingHttpResponse(self._csv(rows), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response

    def _csv(self, rows: QuerySet[Any]) -> Iterator[str]:
        writer = csv.writer(_Echo())
        yield writer.writerow(self.csv_columns)
        for values in rows.values_list(*self.csv_columns).iterator(chunk_size=2000):
            yield writer.writerow([csv_cell(value) for value in values])


_STAGES = {
    Maturity.OPEN.value: "Yes: it is read again until it is final",
    Maturity.SETTLING.value: "Little: it is read again until it is 60 days old",
    Maturity.FINAL.value: "No: it is final",
}
_GONE = "No: it is gone from eBay"
_ERASED = "eBay asked to forget a person in this record; what is personal was taken out"


class SyncedRowAdmin(CsvAdmin):
    """Rows of a table of eBay data, with the payload."""

    @display(description="changed on eBay", ordering="ebay_modified_at")
    def modified(self, row: SyncedRow) -> SafeString:
        return when(row.ebay_modified_at)

    @display(description="changed", ordering="changed_at")
    def changed(self, row: SyncedRow) -> SafeString:
        return when(row.changed_at)

    @display(description="may still change", ordering="maturity")
    def stage(self, row: MaturingRow) -> str:
        return _GONE if row.closed_at else _STAGES.get(row.maturity, row.maturity)

    @display(description="payload, as eBay sent it last")
    def payload_text(self, row: SyncedRow) -> SafeString:
        if row.erased_at is None:
            return pretty_json(row.payload)
        return format_html("<p>{} {}</p>{}", _ERASED, when(row.erased_at), pretty_json(row.payload))


def page_of(*fields: tuple[str, ...], payload: bool = True, **sections: str) -> Any:
    """The fieldsets of a row's page: its fields, a section of one field each by title, the payload folded."""
    page: list[tuple[str | None, dict[str, Any]]] = [(None, {"fields": fields})]
    page += [(title, {"fields": (name,)}) for title, name in sections.items()]
    return [*page, ("Payload", {"fields": ("payload_text",), "classes": ("collapse",)})] if payload else page


class ClosedFilter(admin.SimpleListFilter):
    """Rows of what eBay has no longer are closed, not deleted."""

    title = "on eBay"
    parameter_name = "closed"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("no", "Still there"), ("yes", "Gone")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        wanted = self.value()
        return queryset.filter(closed_at__isnull=wanted == "no") if wanted in ("yes", "no") else queryset


def status_badge(word: str, tones: dict[str, str]) -> SafeString:
    """eBay's word, `FUNDS_ON_HOLD` as "Funds on hold", in the tone of its meaning."""
    return badge(word.lower() or "unknown", tones.get(word, "grey"))


def amount_cell(amount: Decimal | None, currency: str) -> str:
    return money_text(amount, currency) if amount is not None else ""


def money_of(field: str, description: str = "", *, currency: str = "currency") -> Callable[[Any, Any], str]:
    """A column and field of an admin: an amount with its currency, `price_words = money_of("price")`."""

    @display(description=description or field.replace("_", " "), ordering=field)
    def shown(self: Any, row: Any) -> str:
        return amount_cell(getattr(row, field), getattr(row, currency))

    return shown


def page_link(field: str, description: str) -> Callable[[Any, Any], SafeString | str]:
    """A field of an admin that leads out to an address that eBay gave."""

    @display(description=description)
    def shown(self: Any, row: Any) -> SafeString | str:
        address: str = getattr(row, field)
        if not address.startswith("https://"):
            return address
        return format_html('<a class="ec-link" href="{0}" rel="noopener noreferrer">{0}</a>', address)

    return shown


def row_link(model: type[models.Model], pk: int | None, text: str) -> SafeString | str:
    """`text` as a link to the row's page; plain while that row is not stored."""
    if pk is None:
        return text
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[pk])
    return format_html('<a class="ec-link" href="{}">{}</a>', url, text)


def id_of(model: type[models.Model], **columns: str) -> Subquery:
    """The id of the account's row whose columns equal these columns of the outer row: for links in lists."""
    same = {name: OuterRef(outer) for name, outer in columns.items()}
    return Subquery(model._default_manager.filter(account_id=OuterRef("account_id"), **same).values("pk")[:1])


def csv_cell(value: Any) -> str:
    """Text for a spreadsheet; what would be a formula is quoted, numbers stay numbers."""
    if value is None:
        return ""
    text = value.isoformat() if hasattr(value, "isoformat") else str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text
