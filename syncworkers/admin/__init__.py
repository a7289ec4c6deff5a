"""The console's pages about workers, runs and data."""

from . import orders, records, run_list

__all__ = ["orders", "records", "run_list"]
