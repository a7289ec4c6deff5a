"""What is served under `/api/data/`: every table of the registry, and the money view."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from syncworkers.models import MoneyRow
from syncworkers.registry import TABLES, Child


@dataclass(frozen=True)
class RowSource:
    """One list of rows by its name in the address; rows have an id, an account and a `changed_at`.

    `ids` are the columns with eBay's ids; `search` looks in them.
    """

    key: str
    model: type[Any]
    ids: tuple[str, ...]
    children: Mapping[str, Child] = field(default_factory=dict)

    @property
    def ordering(self) -> list[str]:
        """The latest first, by what tells the time of these rows: the model's own order."""
        return list(self.model._meta.ordering)


_TABLES = [RowSource(table.key, table.model, table.natural_key, table.children) for table in TABLES.values()]
_MONEY = RowSource("money", MoneyRow, ("transaction_id", "transaction_type", "order_id", "payout_id"))

SOURCES: Mapping[str, RowSource] = MappingProxyType({source.key: source for source in (*_TABLES, _MONEY)})
