"""What every table of eBay data has in the console: read-only, scoped, payload, CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString

from accounts.display import pretty_json, when
from accounts.scoped_admin import ScopedAdmin
from syncworkers.models import SyncedRow

# A cell that begins so is a formula to spreadsheets, and buyers choose what they write.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class _Echo:
    """A file that hands back what is written, for streaming."""

    def write(self, value: str) -> str:
        return value


class SyncedRowAdmin(ScopedAdmin):
    """`csv_columns` are model fields, in the order of the file."""

    actions = ("export_csv",)
    csv_columns: tuple[str, ...] = ()
    list_select_related = ("account",)
    readonly_fields = ("payload_text",)

    @display(description="changed on eBay", ordering="ebay_modified_at")
    def modified(self, row: SyncedRow) -> SafeString:
        return when(row.ebay_modified_at)

    @display(description="payload, as eBay sent it last")
    def payload_text(self, row: SyncedRow) -> SafeString:
        return pretty_json(row.payload)

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


def csv_cell(value: Any) -> str:
    """Text for a spreadsheet; what would be a formula is quoted, numbers stay numbers."""
    if value is None:
        return ""
    text = value.isoformat() if hasattr(value, "isoformat") else str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text
