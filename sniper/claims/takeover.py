"""Fired and without an answer: whoever sees it asks eBay how the bid stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .sql import EMPTY_EVENT, EVENT_COLUMNS, Connection


@dataclass(frozen=True, slots=True)
class Taken:
    """`mine`: it is for me to resolve now. `status` and `attempts` are what it was just before."""

    snipe_id: int
    mine: bool
    status: str
    attempts: int


_TAKE = f"""
WITH known AS (
  SELECT s.id, s.status, (SELECT count(*) FROM ebay_snipe_attempts t WHERE t.snipe_id = s.id) AS attempts
  FROM ebay_snipes s WHERE s.id = ANY(%(ids)s)
), open_ones AS (
  SELECT s.id FROM ebay_snipes s
  WHERE s.id = ANY(%(ids)s) AND NOT s.paper AND (s.status = 'firing' OR (s.status = 'resolving'
        AND (s.owner = %(owner)s OR s.resolving_at < clock_timestamp() - interval '1.2 seconds')))
  ORDER BY s.id FOR UPDATE SKIP LOCKED
), taken AS (
  UPDATE ebay_snipes s SET status = 'resolving', owner = %(owner)s, resolving_at = clock_timestamp()
  FROM open_ones WHERE s.id = open_ones.id RETURNING s.id
), logged AS (
  INSERT INTO ebay_snipe_logs {EVENT_COLUMNS}
  SELECT t.id, 'resolving', 'resolving',
         'no answer to the bid: eBay is asked, by executor ' || left(%(owner)s, 8), {EMPTY_EVENT}
  FROM taken t JOIN known k ON k.id = t.id WHERE k.status = 'firing'
)
SELECT k.id, t.id IS NOT NULL, k.status, k.attempts FROM known k LEFT JOIN taken t ON t.id = k.id
"""


def take_over(connection: Connection, snipe_ids: Sequence[int], *, owner: str) -> list[Taken]:
    """Take those that are fired and unanswered, whoever fired them; an answer for each that exists.

    The caller asks only for bids whose answer is overdue. One that somebody resolves is his for 1.2 s.
    """
    rows = connection.execute(_TAKE, {"ids": list(snipe_ids), "owner": owner})
    return [Taken(*row) for row in rows]
