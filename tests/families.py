"""Tests that are about one family in a registry that has many."""

from __future__ import annotations

from accounts.models import EbayAccount
from syncworkers.models import SyncState
from syncworkers.registry import WORKERS
from syncworkers.services.runs import ensure_state


def run_only(account: EbayAccount, family: str = "orders") -> EbayAccount:
    """Switch the account's other workers off, before the first tick would write and queue them."""
    for worker in WORKERS.values():
        ensure_state(account, worker)
    SyncState.objects.filter(account=account).exclude(api_family=family).update(enabled=False)
    return account
