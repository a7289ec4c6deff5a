"""The console's pages about accounts and their tokens."""

from . import accounts, records

__all__ = ["accounts", "records"]
