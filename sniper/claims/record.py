"""Writing down what became of attempts, readings and waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal

from psycopg.types.json import Jsonb

from .sql import EMPTY_EVENT, EVENT_COLUMNS, Connection


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one attempt.

    `status` is what the snipe becomes if it waits for this. A final one holds only while this is its one
    attempt and nobody has taken it over: otherwise the auction's end decides. `event_type` is the log's word.
    """

    snipe_id: int
    no: int
    outcome: str
    status: str
    event_type: str
    owner: str
    reason: str = ""
    http_status: int | None = None
    error_code: str = ""
    message: str = ""
    ebay_bid_id: str = ""
    correlation_id: str = ""
    sent_at: datetime | None = None
    answered_at: datetime | None = None
    lateness_ms: float | None = None
    latency_ms: float | None = None
    offset_ms: float | None = None
    offset_error_ms: float | None = None


_ANSWERS = """
WITH said AS (
  SELECT * FROM jsonb_to_recordset(%(said)s) AS k(
    snipe_id bigint, no smallint, outcome text, status text, event_type text, owner text, reason text,
    http_status smallint, error_code text, message text, ebay_bid_id text, correlation_id text,
    sent_at timestamptz, answered_at timestamptz, lateness_ms float8, latency_ms float8, offset_ms float8,
    offset_error_ms float8)
), kept AS (
  UPDATE ebay_snipe_attempts t SET outcome = k.outcome, http_status = k.http_status,
         error_code = k.error_code, message = k.message, ebay_bid_id = k.ebay_bid_id,
         correlation_id = k.correlation_id, sent_at = coalesce(k.sent_at, t.sent_at),
         answered_at = k.answered_at, lateness_ms = coalesce(k.lateness_ms, t.lateness_ms),
         latency_ms = k.latency_ms, offset_ms = k.offset_ms, offset_error_ms = k.offset_error_ms
  FROM said k WHERE t.snipe_id = k.snipe_id AND t.no = k.no
), moved AS (
  UPDATE ebay_snipes s SET
    status = CASE WHEN d.is_final AND d.others > 0 THEN 'bidding' ELSE d.status END,
    reason = CASE WHEN d.is_final AND d.others = 0 THEN d.reason ELSE s.reason END,
    result_message = CASE WHEN d.is_final AND d.others = 0 THEN d.message ELSE s.result_message END,
    finished_at = CASE WHEN d.is_final AND d.others = 0 THEN clock_timestamp() ELSE s.finished_at END,
    ebay_bid_id = CASE WHEN d.ebay_bid_id <> '' THEN d.ebay_bid_id ELSE s.ebay_bid_id END,
    owner = CASE WHEN d.status = 'resolving' THEN d.owner ELSE s.owner END,
    resolving_at = CASE WHEN d.status = 'resolving' THEN clock_timestamp() ELSE s.resolving_at END
  FROM (
    SELECT k.*, k.status NOT IN ('bidding', 'resolving') AS is_final,
           (SELECT count(*) FROM ebay_snipe_attempts t
            WHERE t.snipe_id = k.snipe_id AND t.no <> k.no) AS others
    FROM said k) d
  WHERE s.id = d.snipe_id AND s.status IN ('firing', 'resolving')
    AND (NOT d.is_final OR s.owner = d.owner)
  RETURNING s.id, s.status
)
INSERT INTO ebay_snipe_logs (snipe_id, event_type, status, message, http_status, correlation_id, ebay_bid_id,
                             endpoint, token_kind, detail)
SELECT k.snipe_id, k.event_type, coalesce(m.status, s.status), k.message, k.http_status, k.correlation_id,
       k.ebay_bid_id, 'placeProxyBid', 'user',
       jsonb_build_object('attempt', k.no, 'sent_at', k.sent_at, 'answered_at', k.answered_at,
                          'lateness_ms', k.lateness_ms, 'latency_ms', k.latency_ms, 'offset_ms', k.offset_ms,
                          'offset_error_ms', k.offset_error_ms)
FROM said k JOIN ebay_snipes s ON s.id = k.snipe_id LEFT JOIN moved m ON m.id = k.snipe_id
"""


def record_answers(connection: Connection, answers: Sequence[Answer]) -> None:
    """Keep them. A snipe that has gone on meanwhile stays where it is."""
    connection.execute(_ANSWERS, {"said": Jsonb([_plain(answer) for answer in answers])})


def _plain(answer: Answer) -> dict[str, object]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(answer).items()
    }


_STANDS = """
WITH stood AS (
  UPDATE ebay_snipes SET status = 'bidding'
  WHERE id = %(id)s AND status IN ('firing', 'resolving') RETURNING id
), kept AS (
  UPDATE ebay_snipe_attempts t SET outcome = %(outcome)s FROM stood
  WHERE t.snipe_id = stood.id AND t.outcome IN ('', 'unclear')
)
INSERT INTO ebay_snipe_logs (snipe_id, event_type, status, message, http_status, correlation_id, ebay_bid_id,
                             endpoint, token_kind, detail)
SELECT id, 'result_check', 'bidding', %(message)s, 200, '', %(bid)s, 'getBidding', 'user', '{}'::jsonb
FROM stood
"""


def record_reading(connection: Connection, snipe_id: int, *, stands: bool, message: str, bid_id: str) -> None:
    """eBay was read: the bid stands, or does not and nothing more will be sent. The end decides."""
    outcome = "stands" if stands else "absent"
    connection.execute(_STANDS, {"id": snipe_id, "outcome": outcome, "message": message, "bid": bid_id})


_OVER = f"""
WITH over AS (
  UPDATE ebay_snipes SET status = %(status)s, reason = %(reason)s, result_message = %(message)s,
         finished_at = clock_timestamp()
  WHERE id = %(id)s AND status IN ('scheduled', 'arming') RETURNING id
)
INSERT INTO ebay_snipe_logs {EVENT_COLUMNS}
SELECT id, %(event)s, %(status)s, %(message)s, {EMPTY_EVENT} FROM over RETURNING snipe_id
"""


def give_up(
    connection: Connection, snipe_id: int, *, status: str, reason: str, message: str, event_type: str
) -> bool:
    """End a snipe that was never fired; False when it was, or had ended."""
    values = {
        "id": snipe_id,
        "status": status,
        "reason": reason,
        "message": message[:500],
        "event": event_type,
    }
    return connection.execute(_OVER, values).fetchone() is not None


_CHECK = """
UPDATE ebay_snipes SET checks = checks + 1, check_at = clock_timestamp() + least(
  interval '1 second' * power(2, least(checks, 12)), interval '10 minutes')
WHERE id = %s AND status IN ('firing', 'resolving', 'bidding')
  AND (check_at IS NULL OR check_at <= clock_timestamp())
RETURNING checks
"""


def claim_check(connection: Connection, snipe_id: int) -> int | None:
    """Ask for the result: how often that has been done now; None when it is not due or somebody else does."""
    row = connection.execute(_CHECK, [snipe_id]).fetchone()
    return None if row is None else int(row[0])


@dataclass(frozen=True, slots=True)
class Result:
    """How it ended. `status` None: nothing is known yet, `message` says why."""

    status: str | None
    reason: str = ""
    price: Decimal | None = None
    message: str = ""
    end_time: datetime | None = None
    http_status: int | None = None
    endpoint: str = "getBidding"
    token_kind: str = "user"


_RESULT = """
WITH ended AS (
  UPDATE ebay_snipes s SET
    status = coalesce(%(status)s, s.status),
    reason = CASE WHEN %(status)s IS NULL THEN s.reason ELSE %(reason)s END,
    result_price = coalesce(%(price)s, s.result_price),
    result_message = CASE WHEN %(status)s IS NULL THEN s.result_message ELSE %(message)s END,
    finished_at = CASE WHEN %(status)s IS NULL THEN s.finished_at ELSE clock_timestamp() END,
    end_time = coalesce(%(end_time)s, s.end_time),
    check_at = CASE WHEN %(end_time)s::timestamptz IS NULL THEN s.check_at
               ELSE %(end_time)s + interval '1.5 seconds' END
  WHERE s.id = %(id)s AND s.status IN ('firing', 'resolving', 'bidding') RETURNING s.id, s.status
)
INSERT INTO ebay_snipe_logs (snipe_id, event_type, status, message, http_status, correlation_id, ebay_bid_id,
                             endpoint, token_kind, detail)
SELECT id, %(event)s, status, %(message)s, %(http_status)s, '', '', %(endpoint)s, %(token_kind)s,
       jsonb_build_object('price', %(price)s::text, 'end_time', %(end_time)s::timestamptz) FROM ended
"""


def record_result(connection: Connection, snipe_id: int, result: Result) -> None:
    known = result.status is not None or result.end_time is not None
    values = {
        "id": snipe_id,
        "status": result.status,
        "reason": result.reason,
        "price": result.price,
        "message": result.message[:500],
        "end_time": result.end_time,
        "http_status": result.http_status,
        "endpoint": result.endpoint,
        "token_kind": result.token_kind,
        "event": "result_check" if known else "result_check_error",
    }
    connection.execute(_RESULT, values)


_CONNECTED = """
UPDATE ebay_snipes s SET connected_at = k.at
FROM unnest(%(ids)s::bigint[], %(at)s::timestamptz[]) AS k(id, at)
WHERE s.id = k.id AND s.connected_at IS NULL
"""


def note_connected(connection: Connection, opened: Mapping[int, datetime]) -> None:
    """When the connection for a snipe was first open, by its id."""
    connection.execute(_CONNECTED, {"ids": list(opened), "at": list(opened.values())})
