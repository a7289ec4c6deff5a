"""A second before the moment: the claim. At the moment: the bid. And what its answer means."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from datetime import timedelta
from typing import Any

from requests.structures import CaseInsensitiveDict

from ebayconnector.ebay.bid_reasons import BidReason, Reaction
from ebayconnector.ebay.environments import Environment
from ebayconnector.ebay.prepared import prepare_probe
from ebayconnector.ebay.raw_answers import BidAnswer, RawAnswer, bid_answer
from sniper.claims.fire import Claim, Due, claim, claimed_by_me
from sniper.claims.group import claim_of_group
from sniper.claims.record import Answer, give_up, record_answers
from sniper.claims.sql import Connection
from sniper.models import AttemptOutcome, SnipeReason, SnipeStatus
from sniper.sender.messages import Answered, Event, NotSent, Sent, Unanswered
from tokens import wire

from .deck import Deck, Shot
from .reactions import refusal
from .watch import Watch

logger = logging.getLogger(__name__)

CLAIM_S = 1.0
# One whose connection is not open leaves the claim to the other executor, if there is one that can.
_CLAIM_CLOSED_S = 0.5
# Claims of this span go together.
_TOGETHER_S = 0.1
_AGAIN_S = 0.1
_ANSWER_WITHIN_S = 1.1
# Fired later than this before the end a bid is not worth recording.
LAST_S = 1.0
_WELL_BEFORE = timedelta(seconds=1)


class Firing:
    def __init__(self, deck: Deck) -> None:
        self._deck = deck
        self._probes: dict[str, bytes] = {}
        self._unkept: list[Answer] = []
        self._asked: list[tuple[float, list[Watch]]] = []

    # -- the claim ----------------------------------------------------------------------------------------

    def step(self, now: float) -> None:
        self._give_up_waiting(now)
        by_group: dict[int | None, list[Watch]] = defaultdict(list)
        for watch in self._deck.watches.values():
            if not watch.is_waiting or watch.is_claiming or watch.is_giving_up or now < watch.claim_again_s:
                continue
            due_s = _claim_s(watch)
            if now < due_s - _TOGETHER_S:
                continue
            if now > watch.end_s - LAST_S:
                self._miss(watch)
            elif watch.armed is not None and now >= due_s - _TOGETHER_S:
                by_group[watch.row.group_id].append(watch)
        if not self._deck.is_stopping:
            for group_id, watches in by_group.items():
                # Only when one is due now; those of the next moments go along.
                if any(now >= _claim_s(watch) for watch in watches):
                    self._claim(group_id, watches)
        self._keep_answers()

    def _claim(self, group_id: int | None, watches: list[Watch]) -> None:
        due = [
            Due(watch.id, watch.row.fire_at, watch.row.maximum, self._deck.ebay_now(watch))
            for watch in watches
        ]
        unclear = [watch.id for watch in watches if watch.claim_unclear]
        for watch in watches:
            watch.is_claiming = True
        self._asked.append((time.monotonic(), watches))
        owner, paper = self._deck.owner, self._deck.paper

        def job(connection: Connection) -> tuple[list[Claim], list[int], dict[int, str]]:
            mine = claimed_by_me(connection, unclear, owner=owner) if unclear else []
            wanted = [one for one in due if one.snipe_id not in mine]
            if group_id is None:
                return claim(connection, wanted, owner=owner, paper=paper), mine, {}
            found = claim_of_group(connection, group_id, wanted, owner=owner, paper=paper)
            return found.claims, mine, found.waits

        self._deck.claims.submit(job, lambda result, error: self._claimed(watches, result, error))

    def _give_up_waiting(self, now: float) -> None:
        """An answer that does not come leaves the claim unclear; should it come later, it still counts."""
        for asked_s, watches in self._asked:
            if now - asked_s > _ANSWER_WITHIN_S:
                self._claimed(watches, None, TimeoutError())
        self._asked = [asked for asked in self._asked if now - asked[0] <= _ANSWER_WITHIN_S]

    def _claimed(self, watches: list[Watch], result: Any, error: Exception | None) -> None:
        self._asked = [asked for asked in self._asked if asked[1] is not watches]
        now = time.monotonic()
        for watch in watches:
            watch.is_claiming = False
            watch.claim_again_s = now + _AGAIN_S
        if error is not None:
            for watch in watches:
                watch.claim_unclear = watch.database_was_away = True
            return
        claims, mine, waits = result
        by_id = {watch.id: watch for watch in watches}
        for watch in watches:
            watch.claim_unclear = False
            watch.waits_for = waits.get(watch.id, "")
        for snipe_id in mine:
            self._fire_first(by_id[snipe_id])
        for found in claims:
            self._follow(by_id[found.snipe_id], found)
        for snipe_id in set(by_id) - set(mine) - {found.snipe_id for found in claims} - set(waits):
            by_id[snipe_id].row.status = SnipeStatus.CANCELLED
            self._deck.forget(by_id[snipe_id])

    def _follow(self, watch: Watch, found: Claim) -> None:
        if found.claimed:
            self._fire_first(watch)
            return
        watch.waits_for = watch.waits_for or found.refusal
        if found.status == SnipeStatus.SCHEDULED:
            # Its arming was undone by an end that moved: it is read anew.
            watch.armed, watch.looks = None, 0
            self._deck.to_read.add(watch.id)
        elif found.status != SnipeStatus.ARMING:
            watch.row.status = found.status
        elif found.fire_at != watch.row.fire_at:
            self._deck.to_read.add(watch.id)

    def _miss(self, watch: Watch) -> None:
        """Its time is over and nobody fired it, as far as we know: the database decides."""
        status, reason, words = _why_missed(watch)
        watch.is_giving_up = True
        deck = self._deck

        def job(connection: Connection) -> bool:
            event = "skipped_too_late" if status == SnipeStatus.MISSED else "skipped"
            return give_up(
                connection, watch.id, status=status, reason=reason, message=words, event_type=event
            )

        def then(ended: Any, error: Exception | None) -> None:
            watch.is_giving_up = False
            if ended:
                deck.forget(watch)
            else:
                # Somebody fired it after all: the next reading of the schedule says who.
                watch.row.status = SnipeStatus.FIRING

        deck.records.submit(job, then)

    # -- the bid ------------------------------------------------------------------------------------------

    def _fire_first(self, watch: Watch) -> None:
        if 1 in watch.fired:
            return
        watch.row.status, watch.row.paper = SnipeStatus.FIRING, self._deck.paper
        self._deck.place(watch)
        self.fire(watch, no=1, at_s=watch.fire_s)

    def fire(self, watch: Watch, *, no: int, at_s: float) -> None:
        """Send an attempt that is recorded, at its moment or, when that has passed, at once."""
        watch.fired.add(no)
        if watch.armed is None:
            return
        paper = watch.row.paper or self._deck.paper
        request = self._probe(watch.row.environment) if paper else watch.armed.bid
        watch.flying += 1
        watch.sent_token = watch.armed.token
        self._deck.shoot(watch, request, self._reported, at_s=at_s, no=no, has_body=not paper)

    def _probe(self, environment: str) -> bytes:
        if environment not in self._probes:
            known: Environment = wire.environment(environment)
            self._probes[environment] = prepare_probe(known).request
        return self._probes[environment]

    def _reported(self, shot: Shot, event: Event) -> None:
        watch = self._deck.watches.get(shot.snipe_id)
        if isinstance(event, Sent):
            shot.sent_s = event.at_s
            return
        answer = self._answer(shot, event, watch)
        if answer is None:
            return
        self._unkept.append(answer)
        if watch is None:
            return
        watch.flying -= 1
        if answer.error_code == BidReason.TOKEN_REJECTED:
            watch.refused_token, watch.refused_bid = watch.sent_token, answer
        watch.resolves = answer.status == SnipeStatus.RESOLVING
        watch.is_settled = not watch.resolves
        watch.row.status = answer.status
        if answer.status not in (SnipeStatus.RESOLVING, SnipeStatus.BIDDING):
            # Whether that is final the database decides; the schedule tells.
            watch.row.status = SnipeStatus.BIDDING

    def _answer(self, shot: Shot, event: Event, watch: Watch | None) -> Answer | None:
        facts = self._facts(shot, event)
        if isinstance(event, NotSent):
            return Answer(
                outcome=AttemptOutcome.NOT_SENT, event_type="place_bid_error",
                status=SnipeStatus.RESOLVING if self._has_time(watch) else SnipeStatus.BIDDING,
                message=f"not sent: {event.why}", **facts,
            )  # fmt: skip
        if isinstance(event, Unanswered):
            return Answer(
                outcome=AttemptOutcome.UNCLEAR, status=SnipeStatus.RESOLVING, event_type="place_bid_error",
                message=f"no clear answer: {event.why}", **facts,
            )  # fmt: skip
        if not isinstance(event, Answered):
            return None
        if watch is not None and watch.row.paper:
            return Answer(
                outcome=AttemptOutcome.PAPER, status=SnipeStatus.BIDDING, event_type="place_bid",
                message="paper mode: a probe was sent instead of the bid", http_status=event.status, **facts,
            )  # fmt: skip
        said = bid_answer(RawAnswer(event.status, CaseInsensitiveDict(event.headers), event.body))
        return self._from_ebay(said, facts, watch)

    def _has_time(self, watch: Watch | None) -> bool:
        """Whether reading the bidding could still lead to another attempt."""
        if watch is None or watch.row.paper:
            return False
        return watch.end_s - time.monotonic() > LAST_S

    def _from_ebay(self, said: BidAnswer, facts: dict[str, Any], watch: Watch | None) -> Answer:
        facts |= {"http_status": said.status, "correlation_id": (said.request_id or "")[:100]}
        if said.reason is None:
            return Answer(
                outcome=AttemptOutcome.ACCEPTED, status=SnipeStatus.BIDDING, event_type="place_bid",
                message="eBay took the bid", ebay_bid_id=said.proxy_bid_id[:100], **facts,
            )  # fmt: skip
        words = "; ".join(str(error) for error in said.errors)
        facts["error_code"] = said.reason.value
        if said.reason.reaction == Reaction.RESOLVE or said.reason == BidReason.SYSTEM_ERROR:
            return Answer(
                outcome=AttemptOutcome.UNCLEAR, status=SnipeStatus.RESOLVING, event_type="place_bid_error",
                message=f"no clear answer: {words or said.reason.value}"[:500], **facts,
            )  # fmt: skip
        if said.reason == BidReason.TOKEN_REJECTED and facts["no"] == 1 and self._has_time(watch):
            return Answer(
                outcome=AttemptOutcome.REFUSED, status=SnipeStatus.RESOLVING, event_type="place_bid_error",
                message=f"eBay did not take the access token ({words}); another is needed"[:500], **facts,
            )  # fmt: skip
        sent_at = facts["sent_at"]
        early = watch is not None and sent_at is not None and sent_at < watch.row.end_time - _WELL_BEFORE
        status, reason, message = refusal(said.reason.value, ended_early=early, words=words)
        return Answer(
            outcome=AttemptOutcome.REFUSED, status=status, reason=reason, event_type="place_bid_error",
            message=message[:500], **facts,
        )  # fmt: skip

    def _facts(self, shot: Shot, event: Event) -> dict[str, Any]:
        """Whose attempt it is, and its times by eBay's clock."""
        sent_s = shot.sent_s
        answered_s = event.at_s if isinstance(event, Answered) else None
        return {
            "snipe_id": shot.snipe_id,
            "no": shot.no,
            "owner": self._deck.owner,
            "sent_at": None if sent_s is None else shot.ebay_at(sent_s),
            "answered_at": None if answered_s is None else shot.ebay_at(answered_s),
            "lateness_ms": None if sent_s is None else (sent_s - shot.order.at_s) * 1000,
            "latency_ms": None if sent_s is None or answered_s is None else (answered_s - sent_s) * 1000,
            "offset_ms": shot.offset_ms,
            "offset_error_ms": shot.error_ms,
        }

    def _keep_answers(self) -> None:
        """All answers of a turn in one statement; tried until the database takes them."""
        if not self._unkept:
            return
        answers, self._unkept = self._unkept, []
        self._deck.records.submit(lambda connection: record_answers(connection, answers), _nothing)


def _claim_s(watch: Watch) -> float:
    return watch.fire_s - (CLAIM_S if watch.is_open else _CLAIM_CLOSED_S)


def _nothing(result: Any, error: Exception | None) -> None:
    """What failed is in the log already."""


_SKIPS = (
    SnipeReason.SWITCHED_OFF,
    SnipeReason.ACCOUNT_INACTIVE,
    SnipeReason.GROUP_UNDECIDED,
    SnipeReason.GROUP_BUDGET,
    SnipeReason.GROUP_COMPLETE,
)


def _why_missed(watch: Watch) -> tuple[SnipeStatus, SnipeReason, str]:
    if watch.waits_for in _SKIPS:
        reason = SnipeReason(watch.waits_for)
        return SnipeStatus.SKIPPED, reason, reason.label
    if watch.armed is not None and (watch.database_was_away or watch.claim_unclear):
        return SnipeStatus.MISSED, SnipeReason.DATABASE, "the bid could not be recorded before it was due"
    trouble = watch.trouble or watch.row.trouble
    if watch.armed is None and trouble:
        words = watch.trouble_message or SnipeReason(trouble).label
        return SnipeStatus.MISSED, SnipeReason(trouble), words
    return SnipeStatus.MISSED, SnipeReason.NO_EXECUTOR, SnipeReason.NO_EXECUTOR.label
