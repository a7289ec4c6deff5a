"""The world of the simulator: its sellers, their orders, its clock, applications, tokens and troubles."""

from dataclasses import dataclass

from ebayconnector.simulator.activity import Activity, ChangeKind, change_random, start_activity
from ebayconnector.simulator.applications import Application, default_application
from ebayconnector.simulator.auction_book import AuctionBook
from ebayconnector.simulator.auction_fill import fill as fill_auctions
from ebayconnector.simulator.auction_lists import as_listing
from ebayconnector.simulator.clock import Clock
from ebayconnector.simulator.config import SimulatorConfig
from ebayconnector.simulator.faults import Faults
from ebayconnector.simulator.latency import Latencies
from ebayconnector.simulator.money_book import MoneyBook
from ebayconnector.simulator.notice_book import NoticeBook
from ebayconnector.simulator.order_book import RETENTION_MS, OrderBook
from ebayconnector.simulator.quotas import Quotas
from ebayconnector.simulator.request_log import RequestLog
from ebayconnector.simulator.scopes import BUY_OFFER_AUCTION
from ebayconnector.simulator.sellers import Seller, default_sellers, new_seller
from ebayconnector.simulator.signing_keys import SigningKeys
from ebayconnector.simulator.sites import Site
from ebayconnector.simulator.stock_world import Stocks
from ebayconnector.simulator.tokens import TokenStore
from ebayconnector.simulator.trading_world import TradingBooks
from ebayconnector.simulator.trouble_world import Troubles


@dataclass(slots=True)
class Drift:
    """Orders that change or appear after each page of getOrders and getTransactions, or of the one that `api`
    names; `pages` None means for ever.
    """

    per_page: int
    kind: str
    pages: int | None
    api: str | None = None


class World:
    """One event loop uses it; nothing here waits, so every handler sees and leaves a whole state."""

    def __init__(self, config: SimulatorConfig) -> None:
        self.config = config
        self.applications: dict[str, Application] = {}
        self._may_bid: set[str] = set()
        self.add_application(default_application(config.accept_url, config.reject_url))
        self.log = RequestLog(config.request_log_size)
        self._begin()

    def _begin(self, now_ms: int | None = None) -> None:
        self.clock = Clock()
        if now_ms is not None:
            self.clock.set(now_ms)
        self.epoch_ms = self.clock.now_ms()
        self.sellers: list[Seller] = default_sellers(self.config.orders)
        self.tokens = TokenStore()
        self.quotas = Quotas(self.clock)
        self.faults = Faults()
        self.latencies = Latencies()
        self.finances = self.config.finances
        self.signing_keys = SigningKeys()
        self.notices = NoticeBook()
        self.drifts: dict[str, Drift] = {}  # by user id
        self._activities: dict[str, Activity] = {}
        self._moneys: dict[str, MoneyBook] = {}
        self.stocks = Stocks(self.config, self.clock, self.epoch_ms)
        self.trading = TradingBooks(
            config=self.config,
            clock=self.clock,
            epoch_ms=self.epoch_ms,
            stocks=self.stocks,
            orders_of=self.orders_of,
            sellers=self.sellers,
            settings=self.config.trading,
            settle=self.settle_auctions,
        )
        self.bidding = self.config.bidding
        self.auctions = AuctionBook()
        fill_auctions(
            self.auctions, seed=self.config.seed, size=self.config.auctions, epoch_us=self.epoch_ms * 1000
        )
        self.troubles = Troubles(self.config, self.clock, self.epoch_ms, self.orders_of)

    def reset(self, config: SimulatorConfig, now_ms: int | None = None) -> None:
        """A new world, at another time if one is named; only the applications stay, without the right to bid
        that they were given since."""
        for client_id in self._may_bid & self.applications.keys():
            self.grant_bidding(client_id, False)
        self.config = config
        self.log.clear()
        self._begin(now_ms)

    def add_application(self, application: Application) -> None:
        self.applications[application.client_id] = application

    def grant_bidding(self, client_id: str, granted: bool) -> None:
        """eBay approves a keyset for bids, or takes that back (03 §9); tokens keep their scopes."""
        application = self.applications[client_id]
        application.scopes = application.scopes - {BUY_OFFER_AUCTION}
        self._may_bid.discard(client_id)
        if granted:
            application.scopes = application.scopes | {BUY_OFFER_AUCTION}
            self._may_bid.add(client_id)

    def application_of_runame(self, runame: str) -> Application | None:
        return next((app for app in self.applications.values() if app.runame == runame), None)

    def seller_named(self, username: str) -> Seller | None:
        return next((seller for seller in self.sellers if seller.username == username), None)

    def seller_of(self, user_id: str) -> Seller | None:
        return next((seller for seller in self.sellers if seller.user_id == user_id), None)

    def add_seller(self, username: str, site: Site, orders: int) -> Seller:
        seller = new_seller(
            number=len(self.sellers) + 1, username=username, site=site, account_type="BUSINESS", orders=orders
        )
        self.sellers.append(seller)
        return seller

    def orders_of(self, seller: Seller) -> OrderBook:
        """The seller's orders as they are now; made when first asked for."""
        activity = self.activity_of(seller)
        activity.catch_up(self.clock.now_ms())
        return activity.book

    def money_of(self, seller: Seller) -> MoneyBook:
        """The seller's money as it is now; made when first asked for."""
        book = self.orders_of(seller)
        money = self._moneys.get(seller.user_id)
        if money is None:
            since_ms = self.epoch_ms - RETENTION_MS if seller.initial_orders else None
            money = self._moneys[seller.user_id] = MoneyBook(book, seller, since_ms)
        money.refresh(self.clock.now_ms())
        return money

    def settle_auctions(self) -> None:
        """Auctions that were won become purchases of their winners."""
        for auction in self.auctions.unsettled(self.clock.now_us()):
            winner = self.seller_of(auction.winner) if auction.winner else None
            if winner is not None:
                self.trading.purchases_of(winner).win(
                    as_listing(auction),
                    seller=auction.seller,
                    stranger=auction.stranger,
                    currency=auction.currency,
                    at_ms=auction.end_us // 1000,
                )

    def activity_of(self, seller: Seller) -> Activity:
        activity = self._activities.get(seller.user_id)
        if activity is None:
            activity = self._activities[seller.user_id] = self._open_shop(seller)
        return activity

    def _open_shop(self, seller: Seller) -> Activity:
        book = OrderBook(seed=self.config.seed, seller_number=seller.number)
        book.fill(size=seller.initial_orders, epoch_ms=self.epoch_ms)
        return start_activity(
            book,
            arrivals_per_minute=self.config.arrivals_per_minute,
            changes_per_minute=self.config.changes_per_minute,
            start_ms=self.epoch_ms,
        )

    def order_count(self, seller: Seller) -> int:
        """Without making the orders of a seller whom nobody has asked about."""
        if seller.user_id not in self._activities and self.config.arrivals_per_minute <= 0:
            return seller.initial_orders
        return len(self.orders_of(seller))

    def drift(self, seller: Seller, api: str = "fulfillment") -> None:
        """What happens after a page of getOrders or getTransactions was served to this seller."""
        drift = self.drifts.get(seller.user_id)
        if drift is None or drift.api not in (None, api):
            return
        if drift.pages is not None:
            drift.pages -= 1
            if drift.pages <= 0:
                del self.drifts[seller.user_id]
        self._move_rows(seller, drift)

    def _move_rows(self, seller: Seller, drift: Drift) -> None:
        activity, now_ms = self.activity_of(seller), self.clock.now_ms()
        created = {"create": drift.per_page, "modify": 0, "refund": 0}.get(drift.kind, drift.per_page // 2)
        kind: ChangeKind | None = "full_refund" if drift.kind == "refund" else None
        change_random(
            activity.book, activity.by_hand, count=drift.per_page - created, at_ms=now_ms, kind=kind
        )
        for _ in range(created):
            activity.book.add(created_ms=now_ms, modified_ms=now_ms)
