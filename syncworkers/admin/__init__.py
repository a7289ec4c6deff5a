"""The console's pages about workers, runs and data."""

from . import finances, money_rows, orders, passes, records, run_list, stock

__all__ = ["finances", "money_rows", "orders", "passes", "records", "run_list", "stock"]
