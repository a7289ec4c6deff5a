"""The stocks of all sellers, made when first asked for, and what moves in them while somebody pages."""

from dataclasses import dataclass
from typing import Literal, get_args

from ebayconnector.simulator.clock import Clock
from ebayconnector.simulator.config import SimulatorConfig
from ebayconnector.simulator.sellers import Seller
from ebayconnector.simulator.stock_activity import StockActivity, StockChange, change_stock
from ebayconnector.simulator.stock_book import StockBook
from ebayconnector.simulator.stock_fill import fill

DriftKind = Literal["create", "delete", "change", "mixed"]
DRIFT_KINDS: tuple[str, ...] = get_args(DriftKind)


@dataclass(slots=True)
class StockDrift:
    """What happens after each page of getInventoryItems; `pages` None means for ever."""

    per_page: int
    kind: DriftKind
    pages: int | None


class Stocks:
    def __init__(self, config: SimulatorConfig, clock: Clock, epoch_ms: int) -> None:
        self.drifts: dict[str, StockDrift] = {}  # by user id
        self._config = config
        self._clock = clock
        self._epoch_ms = epoch_ms
        self._activities: dict[str, StockActivity] = {}

    def of(self, seller: Seller) -> StockBook:
        """The seller's stock as it is now."""
        activity = self.activity_of(seller)
        activity.catch_up(self._clock.now_ms())
        activity.book.now_ms = self._clock.now_ms()
        return activity.book

    def activity_of(self, seller: Seller) -> StockActivity:
        activity = self._activities.get(seller.user_id)
        if activity is None:
            activity = self._activities[seller.user_id] = self._open(seller)
        return activity

    def _open(self, seller: Seller) -> StockActivity:
        book = StockBook(seed=self._config.seed, seller_number=seller.number, site=seller.site)
        fill(book, self._config.stock)
        return StockActivity(book, self._config.stock_changes_per_minute, self._epoch_ms)

    def page_served(self, seller: Seller) -> None:
        drift = self.drifts.get(seller.user_id)
        if drift is None:
            return
        if drift.pages is not None:
            drift.pages -= 1
            if drift.pages <= 0:
                del self.drifts[seller.user_id]
        activity = self.activity_of(seller)
        for at in range(drift.per_page):
            change_stock(activity.book, activity.by_hand, _drift_change(drift.kind, at))


def _drift_change(kind: DriftKind, at: int) -> StockChange:
    match kind:
        case "mixed":
            return "delete" if at % 2 == 0 else "create"
        case "change":
            return "price" if at % 2 == 0 else "restock"
        case _:
            return kind
