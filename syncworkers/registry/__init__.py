"""All families there are, as data: a module each. A new one: a module beside these, and a line below."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from . import (
    active_inventory,
    buyer,
    cases,
    finances,
    inquiries,
    messages,
    offers,
    orders,
    returns,
    transactions,
)
from .declarations import (
    Child,
    Details,
    Each,
    Link,
    Part,
    Passes,
    Recheck,
    Step,
    Summary,
    Table,
    Windows,
    Worker,
)

__all__ = [
    "TABLES", "WORKERS", "Child", "Details", "Each", "Link", "Part", "Passes", "Recheck", "Step", "Summary",
    "Table", "Windows", "Worker", "families_for",
]  # fmt: skip

# In the order of the board.
_FAMILIES = (
    orders.WORKER,
    transactions.WORKER,
    finances.WORKER,
    offers.WORKER,
    messages.WORKER,
    active_inventory.WORKER,
    buyer.WORKER,
    cases.WORKER,
    inquiries.WORKER,
    returns.WORKER,
)
WORKERS: Mapping[str, Worker] = MappingProxyType({worker.key: worker for worker in _FAMILIES})

# Every table of eBay data by its name under `/api/data/`; one that two workers fill stands once.
TABLES: Mapping[str, Table] = MappingProxyType(
    {table.key: table for worker in WORKERS.values() for table in worker.tables}
)


def families_for(purpose: str) -> list[str]:
    """The families that an account of this purpose starts with."""
    return [key for key, worker in WORKERS.items() if purpose in worker.purposes]
