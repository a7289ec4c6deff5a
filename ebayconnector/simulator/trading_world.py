"""Mailboxes, listings and purchases of all sellers, made when first asked for, and what moves while somebody
pages; the rules that the control API set for the Trading API.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Literal, get_args

from ebayconnector.simulator.clock import Clock
from ebayconnector.simulator.config import SimulatorConfig
from ebayconnector.simulator.events import Events
from ebayconnector.simulator.listing_activity import ListingActivity
from ebayconnector.simulator.listing_book import ListingBook
from ebayconnector.simulator.mail_book import MailBook
from ebayconnector.simulator.mail_fill import fill as fill_mailbox
from ebayconnector.simulator.mail_fill import receive
from ebayconnector.simulator.order_book import OrderBook
from ebayconnector.simulator.purchase_book import PurchaseBook
from ebayconnector.simulator.randomness import rng
from ebayconnector.simulator.sellers import Seller
from ebayconnector.simulator.stock_world import Stocks
from ebayconnector.simulator.times import SECOND_MS
from ebayconnector.simulator.trading_errors import Problem
from ebayconnector.simulator.trading_settings import TradingSettings

ListName = Literal["messages", "listings", "purchases"]
LIST_NAMES: tuple[str, ...] = get_args(ListName)

Mover = Callable[["TradingBooks", Seller, str, int], None]

_SELLING_WINDOW_MS = 15 * SECOND_MS
_MAIL_EVENTS, _PURCHASE_EVENTS = 42, 61


@dataclass(slots=True)
class PageDrift:
    """What happens after each page of a list; `pages` None means for ever."""

    per_page: int
    kind: str
    pages: int | None
    move: Mover


@dataclass(slots=True)
class PlannedProblems:
    """Problems that the next calls report: beside their data, or instead of it when they fail."""

    problems: tuple[Problem, ...]
    fails: bool
    remaining: int
    call: str | None = None
    seller: str | None = None


@dataclass(slots=True)
class _Mailbox:
    book: MailBook
    arrivals: Events


@dataclass(slots=True)
class _Purchases:
    book: PurchaseBook
    arrivals: Events


@dataclass(slots=True)
class TradingBooks:
    config: SimulatorConfig
    clock: Clock
    epoch_ms: int
    stocks: Stocks
    orders_of: Callable[[Seller], OrderBook]
    sellers: Sequence[Seller]
    settle: Callable[[], None]
    settings: TradingSettings = field(default_factory=TradingSettings)
    drifts: dict[tuple[ListName, str], PageDrift] = field(default_factory=dict)  # by list and user id
    planned: list[PlannedProblems] = field(default_factory=list)
    _mailboxes: dict[str, _Mailbox] = field(default_factory=dict, init=False)
    _listings: dict[str, ListingActivity] = field(default_factory=dict, init=False)
    _purchases: dict[str, _Purchases] = field(default_factory=dict, init=False)
    _selling_calls: dict[str, deque[int]] = field(default_factory=dict, init=False)
    _by_hand: dict[str, Random] = field(default_factory=dict, init=False)

    def mail_of(self, seller: Seller) -> MailBook:
        """The seller's mailbox as it is now."""
        orders, mailbox = self.orders_of(seller), self._mailboxes.get(seller.user_id)
        if mailbox is None:
            mailbox = self._mailboxes[seller.user_id] = self._open_mailbox(seller, orders)
        for number, at_ms in mailbox.arrivals.due(self.clock.now_ms()):
            receive(mailbox.book, orders, rng(self.config.seed, seller.number, 43, number), at_ms)
        return mailbox.book

    def _open_mailbox(self, seller: Seller, orders: OrderBook) -> _Mailbox:
        book = MailBook(
            seed=self.config.seed, seller_number=seller.number, own_folders=self.config.own_folders
        )
        fill_mailbox(book, orders, size=self.config.messages, epoch_ms=self.epoch_ms)
        return _Mailbox(book, self._events(seller, _MAIL_EVENTS, self.config.messages_per_minute))

    def _events(self, seller: Seller, kind: int, per_minute: float) -> Events:
        return Events(self.config.seed, seller.number, kind, per_minute, self.epoch_ms)

    def listings_of(self, seller: Seller) -> ListingBook:
        """The seller's listings as they are now."""
        stock, activity = self.stocks.of(seller), self._listings.get(seller.user_id)
        if activity is None:
            book = ListingBook(
                seed=self.config.seed,
                seller_number=seller.number,
                site=seller.site,
                stock=stock,
                epoch_ms=self.epoch_ms,
            )
            book.fill(self.config.listings)
            activity = ListingActivity(book, self.config.listing_changes_per_minute, self.epoch_ms)
            self._listings[seller.user_id] = activity
        activity.catch_up(self.clock.now_ms())
        return activity.book

    def purchases_of(self, buyer: Seller) -> PurchaseBook:
        """What this user has bought by now."""
        self.settle()
        purchases = self._purchases.get(buyer.user_id)
        if purchases is None:
            book = PurchaseBook(seed=self.config.seed, buyer=buyer, sellers=self.sellers)
            book.fill(size=self.config.purchases, epoch_ms=self.epoch_ms)
            arrivals = self._events(buyer, _PURCHASE_EVENTS, self.config.purchases_per_minute)
            purchases = self._purchases[buyer.user_id] = _Purchases(book, arrivals)
        for number, at_ms in purchases.arrivals.due(self.clock.now_ms()):
            purchases.book.buy(rng(self.config.seed, buyer.number, 62, number), at_ms)
        return purchases.book

    def by_hand(self, seller: Seller) -> Random:
        """The randomness of changes that the control API asks for."""
        return self._by_hand.setdefault(seller.user_id, rng(self.config.seed, seller.number, 44))

    def take_selling_call(self, seller: Seller) -> bool:
        """Count a call of GetMyeBaySelling; False when the user has made too many in fifteen seconds."""
        now_ms = self.clock.now_ms()
        calls = self._selling_calls.setdefault(seller.user_id, deque())
        while calls and not now_ms - _SELLING_WINDOW_MS < calls[0] <= now_ms:
            calls.popleft()
        if len(calls) >= self.settings.selling_calls:
            return False
        calls.append(now_ms)
        return True

    def page_served(self, name: ListName, seller: Seller) -> None:
        drift = self.drifts.get((name, seller.user_id))
        if drift is None:
            return
        if drift.pages is not None:
            drift.pages -= 1
            if drift.pages <= 0:
                del self.drifts[name, seller.user_id]
        for at in range(drift.per_page):
            drift.move(self, seller, drift.kind, at)

    def next_problems(self, call: str, username: str) -> PlannedProblems | None:
        """The first plan that fits this call, one time less to come."""
        for plan in self.planned:
            if plan.call in (None, call) and plan.seller in (None, username):
                plan.remaining -= 1
                self.planned = [one for one in self.planned if one.remaining > 0]
                return plan
        return None
