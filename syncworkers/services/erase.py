"""Deleting everything of a disconnected account, in small steps that may be repeated at any time."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import OperationalError, models, transaction
from django.db.models import Q
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from accounts.access import SYSTEM
from accounts.audit import record_act
from accounts.models import EbayAccount
from ebayconnector.database import execute, fetch_all, fetch_one
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
from syncworkers.registry import TABLES, Child
from tokens.models import (
    AccountDeletion,
    ConnectLog,
    DeletionStatus,
    EbayToken,
    HealthCheck,
    PersonIndex,
    TokenRefreshLog,
)
from tokens.services.disconnect import plan_deletion, queue_deletion

logger = logging.getLogger(__name__)

BATCH = 2000
# The `core` cluster has one worker: the tick must get its turn. The rest is for the next job.
BUDGET_S = 10.0
# Longer than a batch may take; each batch moves it on.
LEASE = timedelta(minutes=1)


@dataclass
class _Share:
    """What the holder of the lease knows: how far the deletion is, and until when it may go on."""

    account_id: int
    deletion_id: int
    lease_id: uuid.UUID
    deadline: float
    remaining: dict[str, int] = field(default_factory=dict)
    deleted: dict[str, int] = field(default_factory=dict)

    @property
    def time_is_up(self) -> bool:
        return time.monotonic() > self.deadline

    def note(self, table: str, deleted: int) -> None:
        if deleted:
            self.deleted[table] = self.deleted.get(table, 0) + deleted
            self.remaining[table] = max(self.remaining.get(table, 0) - deleted, 0)


class _LeaseLost(Exception):
    """Somebody else goes on, or the account was connected again: nothing more may be deleted here."""


def erase_account(account_id: int, *, budget_s: float = BUDGET_S) -> bool:
    """Delete the account's rows of every table, then the account; True when nothing is left to do here.

    False: the time is up or a page is being written at this moment; ask again. Nothing happens to an
    account that has been connected again, that is active, or that somebody else is deleting. Each batch is
    a transaction of its own, with its progress.
    """
    account = EbayAccount.objects.filter(pk=account_id).first()
    if account is None:
        return True
    if not _is_disconnected(account):
        _stop(account)
        return True
    deletion = plan_deletion(account, requested_by=SYSTEM.label)
    share = _claim(deletion, time.monotonic() + budget_s)
    if share is None:
        return True
    try:
        return _erase(account, share)
    except _LeaseLost:
        return False
    finally:
        _release(share)


def erase_in_background(account_id: int) -> bool:
    """One job's share of the work; queues the next job while something is left."""
    done = erase_account(account_id)
    if not done:
        queue_deletion(account_id)
    return done


def resume_deletions() -> int:
    """Queue jobs for deletions that nobody has gone on with, because a process died; returns how many."""
    idle = Q(idle_since__lt=Now() - LEASE)
    deletions = AccountDeletion.objects.annotate(idle_since=Coalesce("lease_until", "requested_at"))
    accounts = list(deletions.filter(idle, finished_at=None).values_list("account_id", flat=True))
    for account_id in accounts:
        queue_deletion(account_id)
    return len(accounts)


def _erase(account: EbayAccount, share: _Share) -> bool:
    if not _end_runs(account):
        return False
    _count(share)
    for rows in _tables():
        if not _empty(rows, share):
            return False
    return _erase_account_row(account, share)


def _is_disconnected(account: EbayAccount) -> bool:
    return not account.is_active and not EbayToken.objects.filter(account=account).exists()


def _stop(account: EbayAccount) -> None:
    logger.warning("account %s is connected: its data is not deleted", account.pk)
    AccountDeletion.objects.filter(account_id=account.pk, finished_at=None).update(
        status=DeletionStatus.STOPPED, finished_at=timezone.now()
    )


# -- The lease --------------------------------------------------------------------------------------------


def _claim(deletion: AccountDeletion, deadline: float) -> _Share | None:
    """None while somebody else is at it."""
    lease_id = uuid.uuid4()
    claimed = execute(
        "UPDATE ebay_account_deletions SET lease_id = %s, lease_until = clock_timestamp() + %s, "
        "status = 'running', started_at = COALESCE(started_at, clock_timestamp()) "
        "WHERE id = %s AND finished_at IS NULL AND (lease_id IS NULL OR lease_until <= clock_timestamp())",
        [lease_id, LEASE, deletion.pk],
    )
    if claimed != 1:
        return None
    deletion.refresh_from_db()
    return _Share(deletion.account_id, deletion.pk, lease_id, deadline, deletion.remaining, deletion.deleted)


def _release(share: _Share) -> None:
    AccountDeletion.objects.filter(pk=share.deletion_id, lease_id=share.lease_id).update(
        lease_id=None, lease_until=Now()
    )


def _keep_progress(share: _Share) -> None:
    """In the batch's transaction: its progress, another minute of lease. Raises _LeaseLost.

    The account's row is held until the commit, so that nobody connects it in the middle of a batch.
    """
    disconnected = fetch_one(
        "SELECT 1 FROM ebay_accounts WHERE id = %s AND NOT is_active FOR SHARE", [share.account_id]
    )
    kept = AccountDeletion.objects.filter(pk=share.deletion_id, lease_id=share.lease_id).update(
        remaining=share.remaining, deleted=share.deleted, lease_until=Now() + LEASE
    )
    if not disconnected or not kept:
        raise _LeaseLost


# -- The work ---------------------------------------------------------------------------------------------


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


_OF_ACCOUNT = "account_id = %s"


@dataclass(frozen=True)
class _Rows:
    """An account's rows of a table, the condition that finds them, and the children that go with each."""

    model: type[models.Model]
    condition: str = _OF_ACCOUNT
    children: tuple[Child, ...] = ()

    @property
    def table(self) -> str:
        return self.model._meta.db_table


def _tables() -> Iterator[_Rows]:
    """Every table with rows of an account.

    What says how complete the data is goes before the data: should the account be connected again meanwhile,
    everything is read anew. A row that is left then has all its children, and what eBay says more about it:
    whoever finds it unchanged does not look at them.
    """
    yield _Rows(SyncState)
    yield _Rows(FailedSlice)
    yield _Rows(SnapshotMiss)
    of_passes = "snapshot_pass_id IN (SELECT id FROM syncworkers_snapshotpass WHERE account_id = %s)"
    yield _Rows(SnapshotPart, of_passes)
    yield _Rows(SnapshotPass)
    for table in TABLES.values():
        yield _Rows(table.model, children=tuple(table.children.values()))
    yield _Rows(QuarantinedRecord)
    yield _Rows(WorkerLog, "run_id IN (SELECT id FROM ebay_worker_run WHERE account_id = %s)")
    yield _Rows(WorkerRun)
    yield _Rows(TokenRefreshLog)
    yield _Rows(HealthCheck)
    yield _Rows(ConnectLog)
    yield _Rows(PersonIndex)


def _count(share: _Share) -> None:
    """What there is to do, counted once: for the progress that people see."""
    if share.remaining or share.deleted:
        return
    for rows in _tables():
        for child in rows.children:
            share.remaining[child.model._meta.db_table] = _counted(_Rows(child.model), share)
        share.remaining[rows.table] = _counted(rows, share)
    with transaction.atomic():
        _keep_progress(share)


def _counted(rows: _Rows, share: _Share) -> int:
    row = fetch_one(f'SELECT count(*) FROM "{rows.table}" WHERE {rows.condition}', [share.account_id])
    return int(row[0]) if row else 0


def _empty(rows: _Rows, share: _Share) -> bool:
    """Delete in batches; False when the time is up."""
    deleted = BATCH
    while deleted == BATCH:
        if share.time_is_up:
            return False
        deleted = _delete_batch(rows, share)
    return True


def _delete_batch(rows: _Rows, share: _Share) -> int:
    """Rows and their children in one transaction; returns how many rows."""
    chosen = f'SELECT id FROM "{rows.table}" WHERE {rows.condition} LIMIT {BATCH}'
    with transaction.atomic():
        ids = [row_id for (row_id,) in fetch_all(chosen, [share.account_id])]
        for child in rows.children:
            table = child.model._meta.db_table
            share.note(table, execute(f'DELETE FROM "{table}" WHERE "{child.parent}_id" = ANY(%s)', [ids]))
        if ids:
            share.note(rows.table, execute(f'DELETE FROM "{rows.table}" WHERE id = ANY(%s)', [ids]))
            _keep_progress(share)
    return len(ids)


def _erase_account_row(account: EbayAccount, share: _Share) -> bool:
    """The account itself and the little that still hangs on it, with a row of proof in the audit trail."""
    with transaction.atomic():
        locked = EbayAccount.objects.select_for_update().get(pk=account.pk)
        if not _is_disconnected(locked):
            raise _LeaseLost
        _keep_progress(share)
        AccountDeletion.objects.filter(pk=share.deletion_id).update(
            status=DeletionStatus.DONE, finished_at=timezone.now(), remaining={}
        )
        record_act(
            SYSTEM, "account_erased", organization_id=locked.organization_id, target=locked,
            rows={table: count for table, count in share.deleted.items() if count},
        )  # fmt: skip
        locked.delete()
    logger.info("account %s was deleted with all its data", account.pk)
    return True
