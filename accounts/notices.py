"""Notices: one open notice per cause, opened, reworded and closed by what a check finds.

Whoever knows causes (tokens, workers) hands them in; nobody opens or closes a notice by hand.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import transaction
from django.db.models import QuerySet

from ebayconnector.database import execute, fetch_one

from .access import Principal
from .models import Notice

# A cause that comes and goes is told of once in this time.
QUIET = timedelta(hours=1)


class Kind(StrEnum):
    """What a notice is about. A new kind needs no migration."""

    NEEDS_RECONNECT = "needs_reconnect"
    CONSENT_EXPIRING = "consent_expiring"
    REFRESH_FAILING = "refresh_failing"
    STALE_WORKER = "stale_worker"
    QUOTA = "quota"
    KEY_TROUBLE = "key_trouble"
    DEAD_SCHEDULE = "dead_schedule"

    @property
    def label(self) -> str:
        return self.value.replace("_", " ").capitalize()


@dataclass(frozen=True)
class Cause:
    """Why there is a notice. `subject_key` is the same as long as it is the same cause.

    `stage` grows when a threshold is crossed: another e-mail. Without `organization_id` it concerns the
    installation. `path` is a page of the console. Words must not change with the time alone. The e-mail
    waits `patience_s`, and is not sent when the cause is gone by then.
    """

    kind: Kind
    organization_id: int | None
    subject_key: str
    title: str
    text: str
    path: str = ""
    account_id: int | None = None
    stage: int = 1
    urgent: bool = True
    patience_s: float = 0.0


@dataclass(frozen=True)
class Settled:
    """What a check changed."""

    opened: int
    reworded: int
    closed: int
    mails: int

    def __add__(self, other: Settled) -> Settled:
        return Settled(
            self.opened + other.opened,
            self.reworded + other.reworded,
            self.closed + other.closed,
            self.mails + other.mails,
        )


_CAUSES = """
WITH cause AS (
  SELECT * FROM jsonb_to_recordset(%(causes)s::jsonb) AS c(
    kind text, organization_id bigint, subject_key text, title text, text text, path text, account_id bigint,
    stage int, urgent boolean, patience_s float)
)
"""
_SAME = (
    "n.kind = c.kind AND n.subject_key = c.subject_key "
    "AND n.organization_id IS NOT DISTINCT FROM c.organization_id"
)

# What was closed since the check began healed while it looked.
_OPEN = f"""{_CAUSES}
INSERT INTO accounts_notice (organization_id, account_id, kind, subject_key, stage, urgent, title, text, path,
                             opened_at, changed_at)
SELECT c.organization_id, c.account_id, c.kind, c.subject_key, c.stage, c.urgent, c.title, c.text, c.path,
       clock_timestamp(), clock_timestamp()
FROM cause c
WHERE NOT EXISTS (SELECT 1 FROM accounts_notice n
                  WHERE {_SAME} AND (n.closed_at IS NULL OR n.closed_at >= %(since)s))
ORDER BY c.kind, c.organization_id, c.subject_key
ON CONFLICT DO NOTHING
"""
_REWORD = f"""{_CAUSES}
UPDATE accounts_notice n
SET stage = c.stage, urgent = c.urgent, title = c.title, text = c.text, path = c.path,
    changed_at = clock_timestamp()
FROM cause c
WHERE n.closed_at IS NULL AND {_SAME}
  AND (n.stage, n.urgent, n.title, n.text, n.path) <> (c.stage, c.urgent, c.title, c.text, c.path)
"""
# What was opened since the check began is younger than what it saw.
_CLOSE = f"""{_CAUSES}
UPDATE accounts_notice n SET closed_at = clock_timestamp()
WHERE n.closed_at IS NULL AND n.kind = ANY(%(kinds)s) AND n.opened_at < %(since)s
  AND (%(account)s::bigint IS NULL OR n.account_id = %(account)s)
  AND NOT EXISTS (SELECT 1 FROM cause c WHERE {_SAME})
"""
# One for each stage that no e-mail of this cause has reached, or reached lately.
_MAIL = f"""{_CAUSES}
INSERT INTO accounts_noticemail (notice_id, stage, state, created_at, next_attempt_at, attempts, recipients,
                                 error)
SELECT n.id, n.stage, 'waiting', clock_timestamp(),
       clock_timestamp() + c.patience_s * interval '1 second', 0, 0, ''
FROM accounts_notice n JOIN cause c ON {_SAME}
WHERE n.closed_at IS NULL AND NOT EXISTS (
  SELECT 1 FROM accounts_noticemail m JOIN accounts_notice o ON o.id = m.notice_id
  WHERE m.stage >= n.stage
    AND (o.id = n.id
         OR o.kind = n.kind AND o.subject_key = n.subject_key
            AND o.organization_id IS NOT DISTINCT FROM n.organization_id
            AND m.sent_at > clock_timestamp() - %(quiet)s))
ON CONFLICT DO NOTHING
"""


def clock() -> datetime:
    """The database's time: taken before a check looks, it says which notices the check may judge."""
    row = fetch_one("SELECT clock_timestamp()")
    assert row is not None
    now: datetime = row[0]
    return now


def settle(
    kinds: Collection[Kind], causes: Iterable[Cause], *, since: datetime, account_id: int | None = None
) -> Settled:
    """Make the open notices of `kinds` exactly `causes`; those of one account only, when it is given.

    `since` is `clock()` from before the causes were looked for: what happened to a notice after that is
    newer than the causes and stays. Any number of callers at once leave one open notice per cause.
    """
    found = [asdict(cause) | {"title": cause.title[:300]} for cause in causes]
    values = {
        "causes": json.dumps(found),
        "kinds": [str(kind) for kind in kinds],
        "since": since,
        "account": account_id,
        "quiet": QUIET,
    }
    with transaction.atomic():
        closed = execute(_CLOSE, values)
        if not found:
            return Settled(0, 0, closed, 0)
        opened = execute(_OPEN, values)
        reworded = execute(_REWORD, values)
        return Settled(opened, reworded, closed, execute(_MAIL, values))


def open_notices(principal: Principal) -> QuerySet[Notice]:
    """Those that the principal sees, urgent ones first; a superuser sees the installation's too."""
    notices = Notice.objects.visible_to(principal).filter(closed_at=None)
    return notices.select_related("organization", "account").order_by("-urgent", "-opened_at", "-id")
