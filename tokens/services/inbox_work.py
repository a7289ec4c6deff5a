"""Working on the inbox: claimed in batches; those that concern nobody of ours cost next to nothing."""

from __future__ import annotations

import logging
import time
import traceback
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta

from django.db.models.functions import Now

from accounts.access import SYSTEM
from accounts.audit import record_act
from accounts.models import EbayAccount
from ebayconnector.database import execute, fetch_all, fetch_one
from tokens import people
from tokens.models import InboundNotification, InboxStatus

from .inbox import leave_ticket

logger = logging.getLogger(__name__)

# Rows by organisation and table.
Done = Counter[tuple[int | None, str]]
# Does what a notification asks for.
Handler = Callable[[InboundNotification], Done]

BATCH = 100
MOST_ATTEMPTS = 8
_CLAIMED_FOR = timedelta(minutes=3)
_LONGEST_PAUSE = timedelta(hours=1)


def work(handlers: Mapping[str, Handler], *, deletion: str, budget_s: float = 60.0) -> int:
    """Work on everything that waits, for `budget_s` at most; how many notifications were worked on.

    `deletion` is the topic after which nobody may store its user again, whether we know him or not.
    """
    deadline = time.monotonic() + budget_s
    done = 0
    while batch := _claim():
        done += len(batch)
        concerning = _set_aside_strangers(batch, handlers, deletion)
        for notification in concerning:
            _work_on(notification, handlers[notification.topic])
        if time.monotonic() >= deadline:
            leave_ticket()
            break
    return done


def work_again(ids: Sequence[int]) -> int:
    """Put failed notifications back, for a person; how many those were."""
    failed = InboundNotification.objects.filter(pk__in=ids, status=InboxStatus.FAILED)
    count = failed.update(status=InboxStatus.RECEIVED, attempts=0, next_attempt_at=Now())
    if count:
        leave_ticket()
    return count


def is_waiting() -> bool:
    row = fetch_one(
        "SELECT EXISTS (SELECT 1 FROM ebay_inbox WHERE status = 'received' "
        "AND next_attempt_at <= clock_timestamp())"
    )
    return bool(row and row[0])


def _claim() -> list[InboundNotification]:
    """The oldest that wait; whoever dies with them leaves them to the next after three minutes."""
    rows = fetch_all(
        "UPDATE ebay_inbox SET next_attempt_at = clock_timestamp() + %s, attempts = attempts + 1 "
        "WHERE id IN (SELECT id FROM ebay_inbox WHERE status = 'received' "
        "AND next_attempt_at <= clock_timestamp() ORDER BY next_attempt_at LIMIT %s FOR UPDATE SKIP LOCKED) "
        "RETURNING id, notification_id, environment, topic, people, reason, event_at, attempts",
        [_CLAIMED_FOR, BATCH],
    )
    names = ("id", "notification_id", "environment", "topic", "people", "reason", "event_at", "attempts")
    found = [InboundNotification(**dict(zip(names, row, strict=True))) for row in rows]
    return sorted(found, key=lambda one: one.pk)


def _set_aside_strangers(
    batch: Sequence[InboundNotification], handlers: Mapping[str, Handler], deletion: str
) -> list[InboundNotification]:
    """Finish, all at once, those that concern nobody of ours or have no work; returns the others."""
    known = _known({person for one in batch for person in one.persons})
    known |= {person for persons in _identities(batch).values() for person in persons}
    to_bury = {person for one in batch if one.topic == deletion for person in one.persons}
    if to_bury:
        concerned = {person for one in batch if not known.isdisjoint(one.persons) for person in one.persons}
        # Before anything is looked for: what is stored from now on is stored without them.
        people.bury(to_bury, known=concerned & to_bury)
    concerning = [one for one in batch if one.topic in handlers and not known.isdisjoint(one.persons)]
    strangers = [one.pk for one in batch if one.topic in handlers and one not in concerning]
    ignored = [one.pk for one in batch if one.topic not in handlers]
    _finish(strangers, InboxStatus.DONE)
    _finish(ignored, InboxStatus.IGNORED)
    return concerning


def _known(persons: Collection[bytes]) -> set[bytes]:
    return people.known_people(persons) if persons else set()


def _identities(batch: Sequence[InboundNotification]) -> dict[int, set[bytes]]:
    """Accounts that the batch names, with the hashes by which it does."""
    wanted = {person for one in batch for person in one.persons}
    environments = {one.environment for one in batch if one.persons}
    found: dict[int, set[bytes]] = {}
    for account in EbayAccount.objects.filter(environment__in=environments).only(
        "environment", "ebay_user_id", "eias_token"
    ):
        named = wanted & set(identity(account))
        if named:
            found[account.pk] = named
    return found


def identity(account: EbayAccount) -> list[bytes]:
    """The hashes of what never changes of an account's user; a username may be given to somebody else."""
    return people.person_hashes(account.environment, [account.ebay_user_id, account.eias_token])


def accounts_named(environment: str, persons: Collection[bytes]) -> list[EbayAccount]:
    """Accounts of these users, of all organisations, also deactivated ones."""
    accounts = EbayAccount.objects.filter(environment=environment).order_by("pk")
    return [account for account in accounts if not set(persons).isdisjoint(identity(account))]


def _finish(ids: Sequence[int], status: InboxStatus) -> None:
    if ids:
        InboundNotification.objects.filter(pk__in=ids).update(status=status, processed_at=Now())


def _work_on(notification: InboundNotification, handler: Handler) -> None:
    """One notification that concerns us. A failure leaves it to be tried again."""
    try:
        done = handler(notification)
    # Whatever it was: the others must be worked on, and a person must see what failed.
    except Exception as failure:
        _put_back(notification, failure)
        return
    InboundNotification.objects.filter(pk=notification.pk).update(
        status=InboxStatus.DONE, processed_at=Now(), result=summary(done), error=""
    )
    for organization_id in sorted({organization for organization, _ in done if organization is not None}):
        record_act(
            SYSTEM,
            notification.topic.lower(),
            organization_id=organization_id,
            rows=_rows_of(done, organization_id),
            notification=notification.notification_id,
            person=[person.hex() for person in notification.persons],
            reason=notification.reason,
        )
    logger.info("notification %s done: %s", notification.notification_id, summary(done))


def summary(done: Done) -> dict[str, int]:
    """Rows by table, whoever's they are."""
    counts: Counter[str] = Counter()
    for (_, table), count in done.items():
        counts[table] += count
    return dict(sorted(counts.items()))


def _rows_of(done: Done, organization_id: int) -> dict[str, int]:
    return {
        table: count for (owner, table), count in sorted(done.items(), key=str) if owner == organization_id
    }


def _put_back(notification: InboundNotification, failure: Exception) -> None:
    """Where it failed, not with which values: those may be a person's."""
    frame = traceback.extract_tb(failure.__traceback__)[-1]
    error = f"{type(failure).__name__} in {frame.name} ({frame.filename.rpartition('/')[2]}:{frame.lineno})"
    is_last = notification.attempts >= MOST_ATTEMPTS
    pause = min(timedelta(seconds=15 * 2**notification.attempts), _LONGEST_PAUSE)
    execute(
        "UPDATE ebay_inbox SET status = %s, error = %s, next_attempt_at = clock_timestamp() + %s "
        "WHERE id = %s",
        [InboxStatus.FAILED if is_last else InboxStatus.RECEIVED, error, pause, notification.pk],
    )
    level = logging.ERROR if is_last else logging.WARNING
    logger.log(level, "notification %s failed: %s", notification.notification_id, error)
