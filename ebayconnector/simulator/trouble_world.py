"""The troubles of all sellers, made when first asked for, and what moves in them while somebody pages."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

from ebayconnector.simulator.clock import Clock
from ebayconnector.simulator.config import SimulatorConfig
from ebayconnector.simulator.order_book import OrderBook
from ebayconnector.simulator.sellers import Seller
from ebayconnector.simulator.trouble_activity import TroubleActivity, TroubleChange, change_trouble
from ebayconnector.simulator.trouble_book import TroubleBook
from ebayconnector.simulator.trouble_lives import Family

TroubleDriftKind = Literal["create", "change", "mixed"]
TROUBLE_DRIFT_KINDS: tuple[str, ...] = get_args(TroubleDriftKind)


@dataclass(slots=True)
class TroubleDrift:
    """What happens after each page of a search; `pages` None means for ever, `family` None each search."""

    per_page: int
    kind: TroubleDriftKind
    pages: int | None
    family: Family | None


class Troubles:
    def __init__(
        self,
        config: SimulatorConfig,
        clock: Clock,
        epoch_ms: int,
        orders_of: Callable[[Seller], OrderBook],
    ) -> None:
        self.drifts: dict[str, TroubleDrift] = {}  # by user id
        self.settings = config.post_order
        self._config = config
        self._clock = clock
        self._epoch_ms = epoch_ms
        self._orders_of = orders_of
        self._activities: dict[str, TroubleActivity] = {}

    def of(self, seller: Seller) -> TroubleBook:
        """The seller's troubles as they are now."""
        return self.activity_of(seller).book

    def activity_of(self, seller: Seller) -> TroubleActivity:
        orders = self._orders_of(seller)
        activity = self._activities.get(seller.user_id)
        if activity is None:
            book = TroubleBook(orders, seller, self._config.trouble_share)
            per_minute = self._config.trouble_changes_per_minute
            activity = self._activities[seller.user_id] = TroubleActivity(book, per_minute, self._epoch_ms)
        activity.catch_up(self._clock.now_ms())
        return activity

    def page_served(self, seller: Seller, family: Family) -> None:
        """What happens after a page of a search was served to this seller."""
        drift = self.drifts.get(seller.user_id)
        if drift is None or drift.family not in (None, family):
            return
        if drift.pages is not None:
            drift.pages -= 1
            if drift.pages <= 0:
                del self.drifts[seller.user_id]
        activity, now_ms = self.activity_of(seller), self._clock.now_ms()
        for at in range(drift.per_page):
            kind = _drift_change(drift.kind, at)
            change_trouble(activity.book, activity.by_hand, now_ms, kind=kind, family=family)


def _drift_change(kind: TroubleDriftKind, at: int) -> TroubleChange:
    if kind == "mixed":
        return "change" if at % 2 == 0 else "create"
    return kind
