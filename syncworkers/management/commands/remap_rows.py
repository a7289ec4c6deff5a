"""`remap_rows [TABLE…]`: after an upgrade that reads eBay's records otherwise."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from syncworkers.registry import TABLES, Table
from syncworkers.services.remap import Remapped, remap, tables_named

_TOLD_EVERY = 20_000


class Command(BaseCommand):
    help = "Make columns and line items of stored rows anew from their payloads, as this release reads them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("tables", nargs="*", metavar="TABLE", help=", ".join(TABLES))

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            tables = tables_named(options["tables"])
        except KeyError as unknown:
            raise CommandError(f"there is no table {unknown}; choose from {', '.join(TABLES)}") from None
        unmappable = 0
        for table in tables:
            found = remap(table, on_batch=partial(self._tell, table))
            self.stdout.write(f"{table.key}: {found.seen} rows, {found.changed} changed")
            if found.unmappable:
                self.stdout.write(f"{table.key}: {found.unmappable} cannot be read any more, and stay")
            unmappable += found.unmappable
        if unmappable:
            raise CommandError(f"{unmappable} rows have a payload that this release cannot read")

    def _tell(self, table: Table, found: Remapped) -> None:
        if found.seen % _TOLD_EVERY == 0:
            self.stdout.write(f"{table.key}: {found.seen} rows so far, {found.changed} changed")
