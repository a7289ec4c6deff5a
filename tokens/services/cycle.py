"""The scheduled refresh: who is due, chunks of at most 20 accounts, and a cycle that tells the truth."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from queue import Empty, SimpleQueue

from django.db import connections, transaction
from django.utils import timezone
from django_q.tasks import async_task

from accounts.models import EbayAccount
from ebayconnector.database import fetch_all
from tokens.models import BackgroundWorker, RefreshCycle, RefreshTrigger
from tokens.quotas import DEFAULT_LIMITS
from tokens.selectors import INTERVAL, WORKER_NAME

from .refresh import Refreshed, RefreshUnderWay, refresh_now

logger = logging.getLogger(__name__)

EXPIRES_WITHIN = timedelta(minutes=15)
REFRESHED_BEFORE = timedelta(minutes=60)
CHUNK = 20
# Hourly refreshes may use less than half of the day's.
DAILY_QUOTA = DEFAULT_LIMITS["token.refresh_token"]
_THREADS = 4
_CHUNK_BUDGET_S = 40.0

# Accounts that wait after a failure are due as well: a cycle that left them out would look healthy.
_DUE = """
SELECT t.account_id FROM ebay_tokens t JOIN ebay_accounts a ON a.id = t.account_id
WHERE a.is_active
  AND t.refresh_error NOT LIKE 'invalid_grant:%%' AND t.refresh_error NOT LIKE 'invalid_scope:%%'
  AND (t.access_token_sealed <> '' OR t.refresh_token_sealed <> '')
  AND (t.expires_at IS NULL OR t.expires_at <= clock_timestamp() + %(expires_within)s
       OR (t.last_refreshed_at IS NULL OR t.last_refreshed_at <= clock_timestamp() - %(refreshed_before)s)
          AND (SELECT count(*) FROM ebay_accounts o WHERE o.is_active AND o.environment = a.environment)
              * %(daily_refreshes)s < %(half_quota)s)
ORDER BY t.expires_at NULLS FIRST, t.account_id
"""


def due_accounts() -> list[int]:
    """Accounts whose token expires within 15 minutes or was last refreshed over 60 minutes ago.

    The latter only while that uses less than half of eBay's daily quota for the environment.
    """
    limits = {
        "expires_within": EXPIRES_WITHIN,
        "refreshed_before": REFRESHED_BEFORE,
        "daily_refreshes": timedelta(days=1) // REFRESHED_BEFORE,
        "half_quota": DAILY_QUOTA / 2,
    }
    return [row[0] for row in fetch_all(_DUE, limits)]


def start_cycle(*, scheduled: bool) -> RefreshCycle:
    """Write a cycle and queue its chunks, in one transaction. Only a scheduled one moves the heartbeat."""
    with transaction.atomic():
        cycle, chunks = _begin(scheduled=scheduled)
        for number, chunk in enumerate(chunks):
            async_task(
                "tokens.tasks.refresh_chunk",
                cycle.pk,
                number,
                chunk,
                cluster="tokens",
                task_name="refresh_chunk",
            )
    return cycle


def run_cycle_here() -> RefreshCycle:
    """One cycle by hand whose chunks run in this process, for when the clusters do not; returns it ended.

    The schedule's heartbeat does not move. Calls eBay: no transaction may be open.
    """
    with transaction.atomic():
        cycle, chunks = _begin(scheduled=False)
    for number, chunk in enumerate(chunks):
        run_chunk(cycle.pk, number, chunk)
    cycle.refresh_from_db()
    return cycle


def _begin(*, scheduled: bool) -> tuple[RefreshCycle, list[list[int]]]:
    """A new cycle and the accounts of its chunks; one without work has ended already."""
    _end_lost_cycles()
    due = due_accounts()
    chunks = [due[at : at + CHUNK] for at in range(0, len(due), CHUNK)]
    cycle = RefreshCycle.objects.create(
        scheduled=scheduled,
        started_at=timezone.now(),
        accounts_checked=len(due),
        open_chunks=list(range(len(chunks))),
    )
    if scheduled:
        BackgroundWorker.objects.update_or_create(
            worker_name=WORKER_NAME,
            defaults={
                "interval_seconds": int(INTERVAL.total_seconds()),
                "last_started_at": cycle.started_at,
            },
        )
    logger.info("token refresh cycle %s starts: found %s accounts", cycle.pk, len(due))
    if not chunks:
        _end(cycle.pk)
    return cycle, chunks


def run_chunk(
    cycle_id: int, number: int, account_ids: Sequence[int], *, budget_s: float = _CHUNK_BUDGET_S
) -> None:
    """Refresh the accounts of one chunk with a few threads; what the budget leaves is due again.

    A chunk that has reported, or whose cycle was ended without it, does nothing.
    """
    cycle = RefreshCycle.objects.filter(pk=cycle_id, open_chunks__contains=[number]).first()
    if cycle is None:
        return
    # A rescue by hand must not look like the schedule's work.
    trigger = RefreshTrigger.SCHEDULED if cycle.scheduled else RefreshTrigger.ADMIN
    deadline = time.monotonic() + budget_s
    results: list[tuple[int, Refreshed]] = []
    names = _names(account_ids)

    def refresh(account_id: int) -> None:
        result = _refresh_one(account_id, deadline, trigger)
        results.append((account_id, result))
        house_name, ebay_user_id = names.get(account_id, ("", ""))
        logger.info(
            "token refresh result account=%s house_name=%s ebay_user=%s code=%s",
            account_id, house_name, ebay_user_id, result.error_code or "ok",
        )  # fmt: skip
        logger.info("token refresh cycle %s: %s of %s done", cycle_id, len(results), len(account_ids))

    _in_threads(refresh, account_ids)
    errors = [
        {"account_id": pk, "error": f"{result.error_code}: {result.error_text}"}
        for pk, result in sorted(results, key=lambda pair: account_ids.index(pair[0]))
        if not result.success and result.error_code != _UNDER_WAY
    ]
    _report(cycle_id, number, refreshed=sum(result.success for _, result in results), errors=errors)


# Somebody else's attempt is neither our success nor a failure of the account.
_UNDER_WAY = RefreshUnderWay().code


def _in_threads(refresh: Callable[[int], None], account_ids: Sequence[int]) -> None:
    """A few threads take account after account; each keeps its database connection until none is left."""
    waiting: SimpleQueue[int] = SimpleQueue()
    for account_id in account_ids:
        waiting.put(account_id)

    def drain() -> None:
        try:
            while True:
                refresh(waiting.get_nowait())
        except Empty:
            pass
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="refresh") as pool:
        ended = [pool.submit(drain) for _ in range(min(_THREADS, len(account_ids)))]
    for thread in ended:
        thread.result()


def _refresh_one(account_id: int, deadline: float, trigger: RefreshTrigger) -> Refreshed:
    if time.monotonic() > deadline:
        return Refreshed(False, "exception", "no time was left in this cycle; due again")
    try:
        return refresh_now(account_id, trigger=trigger)
    except Exception as failure:  # one account's surprise must not stop the others
        logger.exception("refresh of account %s failed unexpectedly", account_id)
        # Should it be the connection that is broken, the next account gets another one.
        connections.close_all()
        return Refreshed(False, "exception", type(failure).__name__)


def _names(account_ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    """House name and eBay user by account."""
    rows = EbayAccount.objects.filter(pk__in=account_ids).values_list("pk", "house_name", "ebay_user_id")
    return {pk: (house_name, ebay_user_id) for pk, house_name, ebay_user_id in rows}


def _report(cycle_id: int, number: int, *, refreshed: int, errors: list[dict[str, object]]) -> None:
    """Add a chunk's result to its cycle; a chunk that was delivered twice counts once."""
    with transaction.atomic():
        cycle = RefreshCycle.objects.select_for_update().get(pk=cycle_id)
        if number not in cycle.open_chunks:
            return
        cycle.accounts_refreshed += refreshed
        cycle.errors = [*cycle.errors, *errors]
        cycle.open_chunks = [other for other in cycle.open_chunks if other != number]
        cycle.save(update_fields=["accounts_refreshed", "errors", "open_chunks"])
        if not cycle.open_chunks:
            _end(cycle.pk)


def _end_lost_cycles() -> None:
    """A cycle whose chunk was lost (killed, dropped) ends as what it is known to be."""
    lost = RefreshCycle.objects.filter(finished_at=None, started_at__lt=timezone.now() - INTERVAL / 2)
    for cycle in lost.select_for_update(skip_locked=True):
        lost_chunks = {"error": f"exception: {len(cycle.open_chunks)} chunks never reported"}
        cycle.errors = [*cycle.errors, lost_chunks]
        # Should one report after all, its cycle has ended; its accounts are in the next one.
        cycle.open_chunks = []
        cycle.save(update_fields=["errors", "open_chunks"])
        _end(cycle.pk)


def _end(cycle_id: int) -> None:
    """Judge a cycle, and move the schedule's heartbeat when it was the schedule's."""
    cycle = RefreshCycle.objects.select_for_update().get(pk=cycle_id)
    cycle.finished_at = timezone.now()
    cycle.status = _honest_status(cycle)
    cycle.save(update_fields=["finished_at", "status"])
    if not cycle.scheduled:
        return
    worker = BackgroundWorker.objects.select_for_update().get(worker_name=WORKER_NAME)
    worker.last_finished_at = cycle.finished_at
    worker.last_status = cycle.status
    worker.last_error_message = "; ".join(str(error["error"]) for error in cycle.errors)[:2000]
    worker.last_summary = {
        "status": cycle.status,
        "accounts_checked": cycle.accounts_checked,
        "accounts_refreshed": cycle.accounts_refreshed,
        "errors": cycle.errors,
    }
    ok = cycle.status == "ok"
    worker.runs_ok_in_row = worker.runs_ok_in_row + 1 if ok else 0
    worker.runs_error_in_row = 0 if ok else worker.runs_error_in_row + 1
    worker.save()


def _honest_status(cycle: RefreshCycle) -> str:
    """`ok` only when no account failed, `partial` for some, `error` for all."""
    if not cycle.errors:
        return "ok"
    return "partial" if cycle.accounts_refreshed else "error"
