"""The claim: who gets a row here records the bid and sends it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sniper.grouping import Rules, Sibling

from .sql import EMPTY_EVENT, EVENT_COLUMNS, Connection


@dataclass(frozen=True, slots=True)
class Due:
    """A snipe to claim, as its executor knows it: edited meanwhile, it is not claimed."""

    snipe_id: int
    fire_at: datetime
    maximum: Decimal
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Claim:
    """What came of asking for one: its status just before, and why it must not be fired (`refusal`)."""

    snipe_id: int
    claimed: bool
    status: str
    fire_at: datetime
    refusal: str


_CLAIM = f"""
WITH asked AS (
  SELECT * FROM unnest(%(ids)s::bigint[], %(fire_at)s::timestamptz[], %(maximum)s::numeric[],
                       %(recorded_at)s::timestamptz[]) AS k(id, fire_at, maximum, recorded_at)
), locked_group AS (
  UPDATE ebay_snipe_groups SET version = version + 1
  WHERE id = %(group)s AND version = %(version)s RETURNING id
), known AS (
  SELECT s.id, s.status, s.fire_at, CASE
    WHEN NOT a.is_active THEN 'account_inactive'
    WHEN EXISTS (SELECT 1 FROM ebay_sniper_switch w WHERE NOT w.enabled
                 AND (w.organization_id IS NULL OR w.organization_id = a.organization_id)) THEN 'switched_off'
    ELSE '' END AS refusal
  FROM asked k JOIN ebay_snipes s ON s.id = k.id JOIN ebay_accounts a ON a.id = s.account_id
), due AS (
  SELECT s.id, k.recorded_at FROM asked k JOIN known n ON n.id = k.id JOIN ebay_snipes s ON s.id = k.id
  WHERE s.status = 'arming' AND s.fire_at = k.fire_at AND s.max_bid_amount = k.maximum AND n.refusal = ''
    AND s.group_id IS NOT DISTINCT FROM %(group)s
    AND (s.group_id IS NULL OR EXISTS (SELECT 1 FROM locked_group))
  ORDER BY s.id FOR UPDATE OF s SKIP LOCKED
), claimed AS (
  UPDATE ebay_snipes s SET status = 'firing', owner = %(owner)s, claimed_at = due.recorded_at,
         paper = %(paper)s, trouble = '', trouble_message = ''
  FROM due WHERE s.id = due.id
  RETURNING s.id, s.max_bid_amount, s.fire_at, due.recorded_at
), recorded AS (
  INSERT INTO ebay_snipe_attempts (snipe_id, no, amount, owner, recorded_at, planned_at, outcome, error_code,
                                   message, ebay_bid_id, correlation_id)
  SELECT id, 1, max_bid_amount, %(owner)s, recorded_at, fire_at, '', '', '', '', '' FROM claimed
  RETURNING snipe_id
), logged AS (
  INSERT INTO ebay_snipe_logs {EVENT_COLUMNS}
  SELECT id, 'claimed', 'firing', 'recorded before it is sent, by executor ' || left(%(owner)s, 8),
         {EMPTY_EVENT}
  FROM claimed
)
SELECT n.id, r.snipe_id IS NOT NULL, n.status, n.fire_at, n.refusal
FROM known n LEFT JOIN recorded r ON r.snipe_id = n.id
"""


def claim(
    connection: Connection,
    due: Sequence[Due],
    *,
    owner: str,
    paper: bool,
    group: int | None = None,
    version: int | None = None,
) -> list[Claim]:
    """Record attempt 1 of those that are armed, allowed and nobody's yet; an answer for each that exists.

    All of them in `group` (None: in no group). A group's are claimed only when its `version` is still the one
    that the decision was made upon.
    """
    values = {
        "ids": [one.snipe_id for one in due],
        "fire_at": [one.fire_at for one in due],
        "maximum": [one.maximum for one in due],
        "recorded_at": [one.recorded_at for one in due],
        "owner": owner,
        "paper": paper,
        "group": group,
        "version": version,
    }
    return [Claim(*row) for row in connection.execute(_CLAIM, values)]


@dataclass(frozen=True, slots=True)
class GroupState:
    """A group's rules and all its snipes, of one moment."""

    version: int
    rules: Rules
    siblings: dict[int, Sibling]


_GROUP = """
SELECT g.version, g.win_at_most, g.budget, g.policy, s.id, s.status, s.max_bid_amount, s.result_price
FROM ebay_snipe_groups g LEFT JOIN ebay_snipes s ON s.group_id = g.id WHERE g.id = %s
"""


def read_group(connection: Connection, group_id: int) -> GroupState | None:
    """None when it is gone."""
    rows = list(connection.execute(_GROUP, [group_id]))
    if not rows:
        return None
    version, win_at_most, budget, policy = rows[0][:4]
    siblings = {row[4]: Sibling(row[5], row[6], row[7]) for row in rows if row[4] is not None}
    return GroupState(version, Rules(win_at_most, budget, policy), siblings)


_MINE = """
SELECT t.snipe_id FROM ebay_snipe_attempts t JOIN ebay_snipes s ON s.id = t.snipe_id
WHERE t.no = 1 AND t.owner = %(owner)s AND s.owner = %(owner)s AND s.status = 'firing' AND t.sent_at IS NULL
  AND t.outcome = '' AND t.snipe_id = ANY(%(ids)s)
"""


def claimed_by_me(connection: Connection, snipe_ids: Sequence[int], *, owner: str) -> list[int]:
    """Of these, those that a claim of mine recorded whose answer I never saw."""
    rows = connection.execute(_MINE, {"owner": owner, "ids": list(snipe_ids)})
    return [snipe_id for (snipe_id,) in rows]


_SECOND = f"""
WITH mine AS (
  SELECT s.id, s.max_bid_amount, s.fire_at FROM ebay_snipes s
  WHERE s.id = ANY(%(ids)s) AND NOT s.paper AND s.status = 'resolving' AND s.owner = %(owner)s
  ORDER BY s.id FOR UPDATE SKIP LOCKED
), first AS (
  UPDATE ebay_snipe_attempts t SET outcome = CASE t.outcome WHEN 'refused' THEN t.outcome ELSE 'absent' END
  FROM mine WHERE t.snipe_id = mine.id AND t.no = 1 AND (t.outcome IN ('', 'unclear', 'not_sent')
        OR (t.outcome = 'refused' AND t.error_code = 'token_rejected'))
  RETURNING t.snipe_id, t.amount
), recorded AS (
  INSERT INTO ebay_snipe_attempts (snipe_id, no, amount, owner, recorded_at, planned_at, outcome, error_code,
                                   message, ebay_bid_id, correlation_id)
  SELECT first.snipe_id, 2, first.amount, %(owner)s, %(now)s, %(now)s, '', '', '', '', '' FROM first
  ON CONFLICT (snipe_id, no) DO NOTHING RETURNING snipe_id
), logged AS (
  INSERT INTO ebay_snipe_logs {EVENT_COLUMNS}
  SELECT snipe_id, 'second_attempt', 'resolving', 'eBay knows no such bid: the same maximum once more, by '
         'executor ' || left(%(owner)s, 8), {EMPTY_EVENT} FROM recorded
)
SELECT snipe_id FROM recorded
"""


def record_second(
    connection: Connection, snipe_ids: Sequence[int], *, owner: str, now: datetime
) -> list[int]:
    """Record attempt 2, of the same amount, of those that I resolve; answers the ids of those recorded."""
    rows = connection.execute(_SECOND, {"ids": list(snipe_ids), "owner": owner, "now": now})
    return [snipe_id for (snipe_id,) in rows]
