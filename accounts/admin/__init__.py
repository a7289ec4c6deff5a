"""The console's pages about people: organisations, members, API keys, the audit trail, logins, notices."""

from . import audit, keys, notices, people

__all__ = ["audit", "keys", "notices", "people"]
