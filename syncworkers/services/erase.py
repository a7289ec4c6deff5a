"""Deleting everything of a disconnected account, in small steps that may be repeated at any time."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator

from django.db import OperationalError, models, transaction
from django.utils import timezone
from django_q.tasks import async_task

from accounts.access import SYSTEM
from accounts.audit import record_act
from accounts.models import EbayAccount
from ebayconnector.database import execute
from syncworkers.models import (
    FailedSlice,
    QuarantinedRecord,
    Reason,
    RunStatus,
    SnapshotMiss,
    SnapshotPart,
    SnapshotPass,
    SyncState,
    WorkerLog,
    WorkerRun,
)
from syncworkers.models.runs import ACTIVE
from syncworkers.registry import TABLES
from tokens.models import ConnectLog, EbayToken, TokenRefreshLog

logger = logging.getLogger(__name__)

BATCH = 2000
# The `core` cluster has one worker: the tick must get its turn. The rest is for the next job.
BUDGET_S = 10.0


def erase_account(account_id: int, *, budget_s: float = BUDGET_S) -> bool:
    """Delete the account's rows of every table, then the account; True when nothing is left to do.

    False: the time is up or a page is being written at this moment; ask again. Nothing happens to an
    account that has been connected again, or that is active. Each batch is a transaction of its own.
    """
    deadline = time.monotonic() + budget_s
    account = EbayAccount.objects.filter(pk=account_id).first()
    if account is None:
        return True
    if not _is_disconnected(account):
        logger.warning("account %s was connected again: its data is not deleted", account_id)
        return True
    if not _end_runs(account):
        return False
    for model, condition in _tables():
        if not _empty(model, condition, account_id, deadline):
            return False
    return _erase_account_row(account)


def erase_in_background(account_id: int) -> bool:
    """One job's share of the work; queues the next job while something is left."""
    done = erase_account(account_id)
    if not done:
        async_task(
            "syncworkers.tasks.delete_account_data",
            account_id,
            cluster="core",
            task_name="delete_account_data",
        )
    return done


def _is_disconnected(account: EbayAccount) -> bool:
    return not account.is_active and not EbayToken.objects.filter(account=account).exists()


def _end_runs(account: EbayAccount) -> bool:
    """End active runs first: after that no page can be written, for every page begins at its run's row.

    False when a page is being written right now and holds the row.
    """
    try:
        WorkerRun.objects.filter(account=account, status__in=ACTIVE).update(
            status=RunStatus.CANCELLED, reason=Reason.ACCOUNT_INACTIVE, finished_at=timezone.now()
        )
    except OperationalError as failure:
        logger.warning("account %s: a run is at work, deleting waits: %s", account.pk, failure)
        return False
    return True


def _tables() -> Iterator[tuple[type[models.Model], str]]:
    """Every table with rows of an account, children first, and the condition that finds them."""
    own = "account_id = %s"
    for table in TABLES.values():
        for child in table.children.values():
            yield child.model, own
        yield table.model, own
    yield SnapshotMiss, own
    yield SnapshotPart, "snapshot_pass_id IN (SELECT id FROM syncworkers_snapshotpass WHERE account_id = %s)"
    yield SnapshotPass, own
    yield QuarantinedRecord, own
    yield FailedSlice, own
    yield WorkerLog, "run_id IN (SELECT id FROM ebay_worker_run WHERE account_id = %s)"
    yield WorkerRun, own
    yield SyncState, own
    yield TokenRefreshLog, own
    yield ConnectLog, own


def _empty(model: type[models.Model], condition: str, account_id: int, deadline: float) -> bool:
    """Delete in batches; False when the time is up."""
    table = model._meta.db_table
    statement = (
        f'DELETE FROM "{table}" WHERE id IN (SELECT id FROM "{table}" WHERE {condition} LIMIT {BATCH})'
    )
    deleted = BATCH
    while deleted == BATCH:
        if time.monotonic() > deadline:
            return False
        deleted = execute(statement, [account_id])
    return True


def _erase_account_row(account: EbayAccount) -> bool:
    """The account itself and the little that still hangs on it, with a row of proof in the audit trail."""
    with transaction.atomic():
        locked = EbayAccount.objects.select_for_update().get(pk=account.pk)
        if not _is_disconnected(locked):
            logger.warning("account %s was connected again while its data was deleted", account.pk)
            return True
        organization_id = locked.organization_id
        record_act(SYSTEM, "account_erased", organization_id=organization_id, target=locked)
        locked.delete()
    logger.info("account %s was deleted with all its data", account.pk)
    return True
