"""A snipe's life to the millisecond: the last minute, and the moment of each bid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sniper.models import AttemptOutcome, Snipe, SnipeAttempt, SnipeStatus

from .axis import span_words
from .lanes import Chart, Guide, Lane, Mark

# The executors arm 60 s before the bid.
_BEFORE = timedelta(seconds=64)
_SHORTEST_MOMENT = timedelta(milliseconds=10)
_TONES = {
    AttemptOutcome.ACCEPTED: "green",
    AttemptOutcome.STANDS: "green",
    AttemptOutcome.PAPER: "green",
    AttemptOutcome.REFUSED: "red",
    AttemptOutcome.ABSENT: "red",
    AttemptOutcome.NOT_SENT: "red",
}


def last_minute(snipe: Snipe, attempts: Sequence[SnipeAttempt]) -> Chart:
    """From a minute before the bid to the auction's end; the axis counts from the end."""
    start, end = snipe.fire_at - _BEFORE, snipe.end_time
    lanes = (
        *_step("Planned", snipe.created_at, snipe.fire_at, tone="grey"),
        *_step("Armed", snipe.armed_at, snipe.fire_at),
        *_step("Connected", snipe.connected_at, snipe.fire_at),
        *(lane for attempt in attempts for lane in _attempt(attempt, len(attempts) > 1)),
        *_step("Reading eBay", snipe.resolving_at, snipe.fire_at, tone="amber"),
        Lane("Bid planned for", exactly(snipe.fire_at), (Mark(snipe.fire_at, "blue"),)),
        Lane("Auction ends", exactly(end), (Mark(end, "red"),)),
        *_step("Result", snipe.finished_at, end, tone=_tone_of_end(snipe)),
    )
    in_order = sorted(lanes, key=lambda lane: lane.marks[0].at)
    return Chart(
        name="The last minute, counted from the end of the auction",
        start=start,
        end=end + (end - start) / 12,
        origin=end,
        lanes=tuple(in_order),
        guides=(Guide(snipe.fire_at, "blue"), Guide(end, "red")),
    )


def _step(label: str, at: datetime | None, origin: datetime, *, tone: str = "blue") -> Iterator[Lane]:
    if at is not None:
        yield Lane(label, f"{exactly(at)} ({span_words(at - origin)})", (Mark(at, tone),))


def _tone_of_end(snipe: Snipe) -> str:
    return {SnipeStatus.WON: "green", SnipeStatus.CANCELLED: "grey"}.get(SnipeStatus(snipe.status), "amber")


def _attempt(attempt: SnipeAttempt, is_one_of_two: bool) -> Iterator[Lane]:
    name = f" {attempt.no}" if is_one_of_two else ""
    claimed = f"{exactly(attempt.recorded_at)} ({span_words(attempt.recorded_at - attempt.planned_at)})"
    yield Lane(f"Claimed{name}", claimed, (Mark(attempt.recorded_at, "blue"),))
    if attempt.sent_at is not None:
        mark = Mark(attempt.sent_at, _tone(attempt), until=attempt.answered_at)
        yield Lane(f"Sent{name}", f"{exactly(attempt.sent_at)} ({_late(attempt)})", (mark,))


def moment_of(attempt: SnipeAttempt) -> Chart | None:
    """The milliseconds around one bid, counted from the planned moment; None when it was not sent."""
    if attempt.sent_at is None:
        return None
    error = _ms(attempt.offset_error_ms) or timedelta(0)
    known = [attempt.planned_at, attempt.sent_at - error, attempt.sent_at + error]
    known += [attempt.answered_at] if attempt.answered_at else []
    first, last = min(known), max(known)
    around = max((last - first) / 8, _SHORTEST_MOMENT / 2)
    lanes = (
        Lane("Planned for", exactly(attempt.planned_at), (Mark(attempt.planned_at, "blue"),)),
        Lane("Claimed", span_words(attempt.recorded_at - attempt.planned_at),
             (Mark(attempt.recorded_at, "blue"),)),
        Lane("Sent", _late(attempt), (Mark(attempt.sent_at, _tone(attempt)),)),
        _clock(attempt, attempt.sent_at),
        _answer(attempt, attempt.sent_at),
    )  # fmt: skip
    return Chart(
        name=f"Bid {attempt.no}, counted from the moment that was planned",
        start=first - around,
        end=last + around,
        origin=attempt.planned_at,
        lanes=lanes,
        guides=(Guide(attempt.planned_at, "blue"),),
    )


def _clock(attempt: SnipeAttempt, sent_at: datetime) -> Lane:
    """How far off the sending may have been by eBay's own clock."""
    offset, error = _ms(attempt.offset_ms), _ms(attempt.offset_error_ms)
    if offset is None:
        return Lane("eBay's clock", "not measured")
    words = f"offset {span_words(offset)}"
    if error is None:
        return Lane("eBay's clock", f"{words}, error not known")
    return Lane(
        "eBay's clock", f"{words} ± {span_words(error, sign=False)}", (Mark(sent_at, "amber", error=error),)
    )


def _answer(attempt: SnipeAttempt, sent_at: datetime) -> Lane:
    if attempt.answered_at is None:
        return Lane("Answered", "no answer came")
    way = span_words(attempt.answered_at - sent_at, sign=False)
    words = f"{span_words(attempt.answered_at - attempt.planned_at)} (latency {way})"
    tone = _tone(attempt)
    way_there_and_back = Mark(sent_at, tone, until=attempt.answered_at)
    return Lane("Answered", words, (way_there_and_back, Mark(attempt.answered_at, tone)))


def _late(attempt: SnipeAttempt) -> str:
    if attempt.lateness_ms is not None:
        return span_words(timedelta(milliseconds=attempt.lateness_ms))
    return span_words(attempt.sent_at - attempt.planned_at) if attempt.sent_at else "not sent"


def _tone(attempt: SnipeAttempt) -> str:
    return _TONES.get(AttemptOutcome(attempt.outcome), "amber") if attempt.outcome else "amber"


def _ms(value: float | None) -> timedelta | None:
    return None if value is None else timedelta(milliseconds=value)


def exactly(at: datetime) -> str:
    """`14:02:33.004`, UTC."""
    return f"{at:%H:%M:%S}.{at.microsecond // 1000:03d}"
