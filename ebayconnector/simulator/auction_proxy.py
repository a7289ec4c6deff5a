"""Proxy bidding: eBay bids for each bidder, as little as it takes, up to a maximum that only grows (03 §9).

Nothing here knows of HTTP, clocks or currencies' names beyond the table of increments.
"""

from dataclasses import dataclass, field

from ebayconnector.simulator.auction_increments import increment


@dataclass(frozen=True, slots=True)
class Bid:
    """A bid that was taken. `before` is the bidder's maximum until then; `price` and `leader` came of it."""

    bidder: str
    maximum: int
    before: int | None
    at_us: int
    number: int
    price: int
    leader: str

    @property
    def raises(self) -> bool:
        return self.before is None or self.maximum > self.before


@dataclass(slots=True)
class ProxyBook:
    """All bids on one item, in the order in which they were taken. Amounts are in cents."""

    start: int
    reserve: int | None
    currency: str
    bids: list[Bid] = field(default_factory=list)
    maxima: dict[str, tuple[int, int]] = field(default_factory=dict)  # bidder: maximum, number of its bid

    @property
    def price(self) -> int:
        return self.bids[-1].price if self.bids else self.start

    @property
    def leader(self) -> str | None:
        return self.bids[-1].leader if self.bids else None

    @property
    def minimum(self) -> int:
        """What the next bidder must bid at least."""
        return self.price + increment(self.price, self.currency) if self.bids else self.start

    @property
    def reserve_met(self) -> bool | None:
        """None where there is no reserve."""
        if self.reserve is None:
            return None
        return any(maximum >= self.reserve for maximum, _ in self.maxima.values())

    def maximum_of(self, bidder: str) -> int | None:
        found = self.maxima.get(bidder)
        return None if found is None else found[0]

    def refusal(self, bidder: str, maximum: int, *, takes_same: bool) -> int | None:
        """eBay's error id for a bid that does not go now; None: it goes.

        Who leads may raise by any amount. `takes_same`: the maximum that stands may be bid again.
        """
        own = self.maximum_of(bidder)
        if own is not None and (maximum < own or (maximum == own and not takes_same)):
            return 120010
        if own is not None and (bidder == self.leader or maximum == own):
            return None
        return 120008 if maximum < self.minimum else None

    def place(self, bidder: str, maximum: int, at_us: int) -> Bid:
        """Takes a bid that `refusal` has nothing against."""
        before, number = self.maximum_of(bidder), len(self.bids)
        if before is None or maximum > before:
            self.maxima[bidder] = (maximum, number)
        # Who had a maximum first keeps the lead against an equal one.
        ranked = sorted(self.maxima, key=lambda one: (-self.maxima[one][0], self.maxima[one][1]))
        second = self.maxima[ranked[1]][0] if len(ranked) > 1 else None
        price = self._price(self.maxima[ranked[0]][0], second)
        bid = Bid(bidder, maximum, before, at_us, number, price, ranked[0])
        self.bids.append(bid)
        return bid

    def _price(self, highest: int, second: int | None) -> int:
        """The second maximum and one increment, never more than the highest; a reserve that is met counts."""
        price = self.start if second is None else min(highest, second + increment(second, self.currency))
        if self.reserve is not None and highest >= self.reserve:
            price = max(price, self.reserve)
        return max(price, self.price)

    def as_of(self, at_us: int) -> "ProxyBook":
        """The book as it was at a moment."""
        past = ProxyBook(self.start, self.reserve, self.currency)
        for bid in self.bids:
            if bid.at_us > at_us:
                break
            past.place(bid.bidder, bid.maximum, bid.at_us)
        return past
