"""The console's pages about workers, runs and data."""

from . import (
    cases,
    disputes,
    finances,
    letters,
    money_rows,
    my_ebay,
    orders,
    passes,
    records,
    returns,
    run_list,
    stock,
)

__all__ = [
    "cases",
    "disputes",
    "finances",
    "letters",
    "money_rows",
    "my_ebay",
    "orders",
    "passes",
    "records",
    "returns",
    "run_list",
    "stock",
]
