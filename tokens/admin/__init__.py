"""The console's pages about accounts and their tokens."""

from . import accounts, disconnect, health, inbox, links, records

__all__ = ["accounts", "disconnect", "health", "inbox", "links", "records"]
