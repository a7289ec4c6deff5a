"""What eBay says more about a record when asked by its id: on the record's page, and a page of its own."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import display
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.display import when
from syncworkers.models import SyncedRow

from .data_rows import SyncedRowAdmin, row_link
from .facts import facts


def detail_of(row: SyncedRow, model: type[SyncedRow], key: str) -> Any:
    """The stored detail with the same key of the same account; None when there is none yet."""
    values = {key: getattr(row, key), "account_id": row.account_id}
    return model.objects.filter(**values).first()


def detail_section(row: SyncedRow, model: type[SyncedRow], key: str) -> SafeString | str:
    """What the detail says, with a link to its own page, which has it as eBay sent it."""
    detail = detail_of(row, model, key)
    if detail is None:
        return "eBay was not asked yet."
    link = row_link(model, detail.pk, "Its own page")
    return format_html("<p>{}, changed {}</p>{}", link, when(detail.changed_at), facts(detail.payload))


class DetailAdmin(SyncedRowAdmin):
    """The record that a detail belongs to is one link away: `parent` its table, `key` the column of both."""

    parent: type[SyncedRow]
    key: str

    @display(description="record")
    def record(self, row: Any) -> SafeString | str:
        return row_link(self.parent, row.parent_pk, getattr(row, self.key))
