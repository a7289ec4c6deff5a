"""Auctions, and the fixed prices and groups that Browse also knows. Times are in microseconds."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from ebayconnector.simulator.auction_proxy import ProxyBook
from ebayconnector.simulator.sellers import Seller
from ebayconnector.simulator.sites import Site

ItemKind = Literal["auction", "fixed_price", "group"]
EndedBy = Literal["time", "seller", "buy_it_now"]

ANYBODY = "*"


@dataclass(slots=True)
class Rival:
    """A bid to come, of a stranger: at a moment, or so long before the end, wherever that moves.

    `least`: only as much as is needed just then, `maximum` at most.
    """

    bidder: str
    maximum: int
    before_end_us: int | None = None
    at_us: int | None = None
    least: bool = False

    def due_us(self, end_us: int) -> int:
        return end_us - self.before_end_us if self.before_end_us is not None else self.at_us or 0


@dataclass(slots=True)
class Auction:
    """`seller` is None where a stranger sells. `refusals`: error ids by user id, or for anybody.

    `gone`: eBay does not know the item any more (404 without a word).
    """

    item_id: str
    kind: ItemKind
    seller: Seller | None
    stranger: str
    site: Site
    title: str
    start_us: int
    end_us: int
    book: ProxyBook
    buy_it_now: int | None = None
    adult: bool = False
    business_only: bool = False
    whole_amounts: bool = False
    gone: bool = False
    refusals: dict[str, int] = field(default_factory=dict)
    rivals: list[Rival] = field(default_factory=list)
    ended_by: EndedBy | None = None

    @property
    def currency(self) -> str:
        return self.site.currency

    @property
    def rest_id(self) -> str:
        return f"v1|{self.item_id}|0"

    @property
    def seller_name(self) -> str:
        return self.stranger if self.seller is None else self.seller.username

    @property
    def buy_it_now_open(self) -> bool:
        """The first bid takes the option away."""
        return self.buy_it_now is not None and not self.book.bids

    def is_over(self, now_us: int) -> bool:
        """A bid at the very end is too late."""
        return self.ended_by is not None or now_us >= self.end_us

    def catch_up(self, now_us: int) -> None:
        """Rivals bid whose moment has come; what does not go any more is not bid."""
        if self.rivals and self.ended_by is None:
            self._let_rivals_bid(min(now_us, self.end_us - 1))
        if self.ended_by is None and now_us >= self.end_us:
            self.ended_by = "time"

    def _let_rivals_bid(self, until_us: int) -> None:
        for rival in sorted(self.rivals, key=self._due):
            if self._due(rival) <= until_us:
                self._let_bid(rival)
        self.rivals = [rival for rival in self.rivals if self._due(rival) > until_us]

    def _due(self, rival: Rival) -> int:
        return rival.due_us(self.end_us)

    def _let_bid(self, rival: Rival) -> None:
        maximum = min(rival.maximum, self.book.minimum) if rival.least else rival.maximum
        last_us = self.book.bids[-1].at_us if self.book.bids else 0
        if self.book.refusal(rival.bidder, maximum, takes_same=False) is None:
            self.book.place(rival.bidder, maximum, max(self._due(rival), last_us))

    def end(self, by: EndedBy, now_us: int) -> None:
        """Before its time: the seller ends it, or somebody buys it now. Nobody wins."""
        self.ended_by, self.end_us = by, min(now_us, self.end_us)

    @property
    def winner(self) -> str | None:
        """Who gets it, once it is over."""
        sold = self.ended_by == "time" and self.book.reserve_met is not False
        return self.book.leader if sold else None


@dataclass(slots=True)
class LoggedPost:
    """One POST of a bid, refused ones too, with the bidder's maximum before and after.

    `received_us` is when its first bytes were read, `judged_us` when eBay decided.
    """

    seq: int
    received_us: int
    judged_us: int
    item_id: str
    token_kind: str | None
    application: str | None
    seller: str | None
    amount: str | None = None
    currency: str | None = None
    status: int = 0
    error_id: int | None = None
    before: int | None = None
    after: int | None = None

    @property
    def raised(self) -> bool:
        return self.after is not None and self.after != self.before


class AuctionBook:
    """All items, in the order of making, and every POST of a bid."""

    def __init__(self) -> None:
        self.items: dict[str, Auction] = {}
        self.posts: list[LoggedPost] = []
        self.made = 0
        self._open_for_settling: list[Auction] = []

    def add(self, auction: Auction) -> Auction:
        self.items[auction.item_id] = auction
        self._open_for_settling.append(auction)
        return auction

    def find(self, item_id: str, now_us: int) -> Auction | None:
        """The item as it is now, by its legacy id."""
        auction = self.items.get(item_id)
        if auction is not None:
            auction.catch_up(now_us)
        return auction

    def unsettled(self, now_us: int) -> Iterator[Auction]:
        """Auctions that are over and were not handed out before."""
        over = [one for one in self._open_for_settling if one.is_over(now_us)]
        if over:
            self._open_for_settling = [one for one in self._open_for_settling if not one.is_over(now_us)]
        for auction in over:
            auction.catch_up(now_us)
            yield auction

    def bid_on_by(self, bidder: str, now_us: int) -> list[Auction]:
        """Auctions with a bid of that bidder, as they are now."""
        found = [one for one in self.items.values() if bidder in one.book.maxima]
        for auction in found:
            auction.catch_up(now_us)
        return found
