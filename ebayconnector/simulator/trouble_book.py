"""The troubles of one seller: inquiries, cases, returns and payment disputes, derived from the orders.

A trouble is a list of dated steps, some of them still to come; what it shows at a moment follows from the
steps up to then. Nothing runs in the background.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from ebayconnector.simulator.json_types import JsonObject, join_patches
from ebayconnector.simulator.money_entries import DISPUTE_WON_MS, dispute_of
from ebayconnector.simulator.money_facts import facts_of
from ebayconnector.simulator.order_book import OrderBook
from ebayconnector.simulator.order_facts import OrderFacts
from ebayconnector.simulator.randomness import mix, rng
from ebayconnector.simulator.sellers import Seller
from ebayconnector.simulator.times import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from ebayconnector.simulator.trouble_ids import MOST_PER_ORDER, trouble_id
from ebayconnector.simulator.trouble_lives import (
    APPEAL,
    CASE_CLOSED,
    ESCALATE,
    FAMILIES,
    LIVES,
    OPEN,
    WIN,
    Family,
    Step,
    likely_next,
    onwards,
)

_SHARE_SALT, _LIFE_SALT, _DISPUTE_SALT = 71, 72, 73
_LOW = (1 << 32) - 1
_INQUIRIES, _SECOND_RETURNS, _DISPUTES = 0.45, 0.4, 0.1  # parts of the orders with trouble
_ID_LENGTH = 20


class TroubleConflict(Exception):
    """The trouble cannot take that step; the message says why. Nothing was changed."""


@dataclass(slots=True, eq=False)
class Trouble:
    """One inquiry, case, return or dispute about one line of order n.

    `origin`: what was escalated to this case. `case`: what this was escalated to. `holds_funds`: whether a
    dispute took the order's money. `listed`: whether the search shows it, where it would. The patches are
    what a person changed in its bodies.
    """

    family: Family
    number: int
    n: int
    part: int
    line: int
    quantity: int
    steps: list[Step]
    origin: "Trouble | None" = None
    case: "Trouble | None" = None
    holds_funds: bool = False
    listed: bool = True
    summary_patch: JsonObject = field(default_factory=dict)
    detail_patch: JsonObject = field(default_factory=dict)

    @property
    def opened_ms(self) -> int:
        return self.steps[0].at_ms

    def seen(self, now_ms: int) -> list[Step]:
        """The steps up to a moment, oldest first."""
        return [step for step in self.steps if step.at_ms <= now_ms]

    def last(self, now_ms: int) -> Step:
        """The last step up to a moment, of a trouble that was open by then."""
        return self.seen(now_ms)[-1]

    @property
    def awaits_case(self) -> bool:
        """Whether a return's end is that of its case; an inquiry ends when it is escalated."""
        return self.family == "return" and self.steps[-1].kind.name == ESCALATE

    def is_escalated(self, now_ms: int) -> bool:
        return any(step.kind.name == ESCALATE and step.at_ms <= now_ms for step in self.steps)

    def patch(self, summary: JsonObject, detail: JsonObject) -> None:
        self.summary_patch = join_patches(self.summary_patch, summary)
        self.detail_patch = join_patches(self.detail_patch, detail)


class TroubleBook:
    """`share`: in how many of the orders something goes wrong. Every change goes through `open` or `move`."""

    def __init__(self, orders: OrderBook, seller: Seller, share: float) -> None:
        self.orders = orders
        self.seller = seller
        self.by_id: dict[int, Trouble] = {}
        self._share = share
        self._known = 0
        self._parts: dict[tuple[Family, int], int] = {}
        self._by_opening: dict[Family, list[tuple[int, int]]] = {family: [] for family in FAMILIES}

    def refresh(self) -> None:
        """Take in the orders that came since the last time."""
        for n in range(self._known, len(self.orders.created) if self._share > 0 else 0):
            self._derive(n)
        self._known = len(self.orders.created)

    def facts(self, n: int) -> OrderFacts:
        return facts_of(self.orders, self.seller.site, n)

    def opened_between(self, family: Family, from_ms: int, to_ms: int) -> list[Trouble]:
        """Troubles of a family by opening date, both ends inclusive, oldest first."""
        index = self._by_opening[family]
        low, high = bisect_left(index, (from_ms, 0)), bisect_left(index, (to_ms + 1, 0))
        return [self.by_id[number] for _, number in index[low:high]]

    def find(self, family: Family, text: str, now_ms: int) -> Trouble | None:
        """A trouble that is open by now; None for an id that is none of this seller."""
        is_number = text.isascii() and text.isdigit() and len(text) < _ID_LENGTH
        trouble = self.by_id.get(int(text)) if is_number else None
        if trouble is None or trouble.family != family or trouble.opened_ms > now_ms:
            return None
        return trouble

    def unfinished(self, family: Family | None, now_ms: int) -> list[Trouble]:
        """Troubles that something may still happen to, oldest first."""
        families = FAMILIES if family is None else (family,)
        found = (one for name in families for one in self.opened_between(name, 0, now_ms))
        return [one for one in found if one.last(now_ms).kind.then]

    # -- what the orders bring ----------------------------------------------------------------------------

    def _derive(self, n: int) -> None:
        seed, number = self.orders.seed, self.seller.number
        dice, taken = mix(seed, number, n, _SHARE_SALT), dispute_of(self.orders, n)
        goes_wrong = (dice & _LOW) / _LOW < self._share
        disputed = taken is not None or (dice >> 32) / _LOW < self._share * _DISPUTES
        if not (goes_wrong or disputed) or self.orders.place_of(self.orders.order_id(n)) is None:
            return
        if goes_wrong:
            self._derive_post_order(n, rng(seed, number, n, _LIFE_SALT))
        if disputed:
            self._derive_dispute(n, taken, rng(seed, number, n, _DISPUTE_SALT))

    def _derive_post_order(self, n: int, source: Random) -> None:
        if source.random() < _INQUIRIES:
            self.open("inquiry", n, self._after(n, source, 7, 20), source=source, goes_on=True)
            return
        lines, opened_ms = self.facts(n).lines, self._after(n, source, 4, 25)
        twice = sum(line.quantity for line in lines) > 1 and source.random() < _SECOND_RETURNS
        quantity = 1 if twice else None
        self.open("return", n, opened_ms, source=source, line=0, quantity=quantity, goes_on=True)
        if twice:
            later_ms, last = opened_ms + source.randrange(1, 6 * 24) * HOUR_MS, len(lines) - 1
            self.open("return", n, later_ms, source=source, line=last, quantity=1, goes_on=True)

    def _derive_dispute(self, n: int, taken: tuple[int, bool] | None, source: Random) -> None:
        """`taken`: when the order's money was taken and whether it comes back (`money_entries`); None where
        eBay protects the seller.
        """
        if taken is None:
            self.open("dispute", n, self._after(n, source, 3, 20), source=source, goes_on=True)
            return
        opened_ms, won = taken
        dispute = self.open("dispute", n, opened_ms, source=source)
        dispute.holds_funds = True
        dispute.steps += _won(opened_ms) if won else onwards(source, "dispute", dispute.steps[0], (WIN,))

    def _after(self, n: int, source: Random, from_days: int, to_days: int) -> int:
        at_ms = self.orders.created[n] + int(source.uniform(from_days, to_days) * DAY_MS)
        return at_ms // SECOND_MS * SECOND_MS

    # -- what happens to them -----------------------------------------------------------------------------

    def open(
        self,
        family: Family,
        n: int,
        at_ms: int,
        *,
        source: Random,
        line: int | None = None,
        quantity: int | None = None,
        goes_on: bool = False,
    ) -> Trouble:
        """A new trouble that lives on by itself or stays open until somebody moves it.

        Raises TroubleConflict when the order has too many of that family.
        """
        part = self._parts.get((family, n), 0)
        if part >= MOST_PER_ORDER:
            raise TroubleConflict(f"an order has at most {MOST_PER_ORDER} of a kind")
        self._parts[family, n] = part + 1
        lines = self.facts(n).lines
        line = source.randrange(len(lines)) if line is None else line
        quantity = source.randrange(lines[line].quantity) + 1 if quantity is None else quantity
        number = trouble_id(family, seller_number=self.seller.number, n=n, part=part)
        trouble = Trouble(family, number, n, part, line, quantity, [Step(at_ms, LIVES[family][OPEN])])
        self._enter(trouble)
        if goes_on:
            self._live_on(trouble, source)
        return trouble

    def _enter(self, trouble: Trouble) -> None:
        self.by_id[trouble.number] = trouble
        insort(self._by_opening[trouble.family], (trouble.opened_ms, trouble.number))

    def _leave(self, trouble: Trouble) -> None:
        del self.by_id[trouble.number]
        self._by_opening[trouble.family].remove((trouble.opened_ms, trouble.number))

    def move(
        self, trouble: Trouble, name: str | None, at_ms: int, *, source: Random, goes_on: bool
    ) -> Step | None:
        """Let the trouble take a step now, instead of all that was to come; without a name a likely one.

        `goes_on`: it lives on by itself afterwards. Answers None when nothing is likely. Raises
        TroubleConflict for a step that it cannot take.
        """
        last = trouble.last(at_ms)
        if name is None:
            following = likely_next(source, last.kind)
            if following is None:
                return None
            name = following.name
        _check_step(trouble, last, name)
        self._stop(trouble, at_ms)
        step = Step(max(at_ms // SECOND_MS * SECOND_MS, last.at_ms), LIVES[trouble.family][name])
        trouble.steps.append(step)
        if goes_on:
            self._live_on(trouble, source)
        else:
            self._follow(trouble, source, goes_on=False)
        return step

    def _live_on(self, trouble: Trouble, source: Random) -> None:
        trouble.steps += onwards(source, trouble.family, trouble.steps[-1])
        self._follow(trouble, source, goes_on=True)

    def _follow(self, trouble: Trouble, source: Random, *, goes_on: bool) -> None:
        """What the last step of a trouble brings about: a case, or the end of the return behind a case."""
        last, origin = trouble.steps[-1], trouble.origin
        if last.kind.name == ESCALATE:
            trouble.case = self._open_case(trouble, last.at_ms)
            if goes_on:
                self._live_on(trouble.case, source)
        if origin is not None and last.kind.ends and origin.awaits_case:
            origin.steps.append(Step(last.at_ms, LIVES["return"][CASE_CLOSED]))

    def _open_case(self, origin: Trouble, at_ms: int) -> Trouble:
        number = trouble_id(
            "case",
            seller_number=self.seller.number,
            n=origin.n,
            part=origin.part,
            of_return=origin.family == "return",
        )
        steps = [Step(at_ms, LIVES["case"][OPEN])]
        case = Trouble("case", number, origin.n, origin.part, origin.line, origin.quantity, steps, origin)
        self._enter(case)
        return case

    def _stop(self, trouble: Trouble, now_ms: int) -> None:
        """Forget what was to come, also what it would have brought about."""
        trouble.steps = trouble.seen(now_ms)
        if trouble.case is not None and trouble.case.opened_ms > now_ms:
            self._leave(trouble.case)
            trouble.case = None
        if trouble.origin is not None:
            trouble.origin.steps = trouble.origin.seen(now_ms)


def _won(opened_ms: int) -> Iterator[Step]:
    """The money of a dispute that was won comes back on a day that the transactions know."""
    won_ms, life = opened_ms + DISPUTE_WON_MS, LIVES["dispute"]
    yield Step(opened_ms + 20 * HOUR_MS, life["contest"])
    yield Step(opened_ms + 20 * HOUR_MS + 25 * MINUTE_MS, life["evidence"])
    yield Step(opened_ms + 50 * HOUR_MS, life["defend"])
    yield Step(won_ms, life[WIN])


def _check_step(trouble: Trouble, last: Step, name: str) -> None:
    if name not in LIVES[trouble.family] or name in (OPEN, CASE_CLOSED):
        known = sorted(set(LIVES[trouble.family]) - {OPEN, CASE_CLOSED})
        raise TroubleConflict(f"step must be one of {', '.join(known)}")
    if name == APPEAL and not last.kind.ends:
        raise TroubleConflict("only a closed case is appealed")
    if last.kind.ends and name != APPEAL:
        raise TroubleConflict(f"{trouble.number} is closed")
    if last.kind.name == ESCALATE:
        raise TroubleConflict(f"{trouble.number} is escalated; its case decides")
