"""The console's pages about people: organisations, members, API keys, the audit trail, logins."""

from . import audit, keys, people

__all__ = ["audit", "keys", "people"]
