"""What one seller bought from others, and the auctions that this user bids on (03 §3.7).

Payment, shipment and the combination of several purchases are moments: they show as the clock goes, without a
date of change. Items are listings of other sellers of the world, or of strangers.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

from ebayconnector.simulator.json_types import JsonObject, join_patches
from ebayconnector.simulator.listings import LISTINGS_PER_SELLER, Listing, listing
from ebayconnector.simulator.number_ids import Numbering
from ebayconnector.simulator.randomness import rng
from ebayconnector.simulator.sellers import Seller
from ebayconnector.simulator.times import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

NEVER = 1 << 62
KEPT_MS = 60 * DAY_MS  # WonList reaches no further back
BIDDING_MS = 3 * DAY_MS  # so long before its end this user bids on an auction

AUCTION_TRANSACTION = "0"  # 03 §3.7

_TRANSACTION_IDS = Numbering("1", 13, 387_420_489)
_ORDER_IDS = Numbering("2", 12, 1_162_261_467)
_STRANGERS = ("attic-finds", "garage_42", "old.barn_sales", "köln-teile", "b&b_books", "quartz_and_co")
_OTHER_WORLD = 90  # sellers with numbers from here on have listings and nothing else
_OTHER_PLACES = 5_000_000  # places of a seller's listings that nothing else uses


@dataclass(slots=True)
class Purchase:
    """`seller` is the other seller where it is one of the world; `price` in cents for one piece.

    `wins` is false for an auction that somebody else gets in the end.
    """

    place: int
    item: Listing
    transaction_id: str
    seller: Seller | None
    stranger: str
    price: int
    quantity: int
    currency: str
    bought_ms: int
    paid_ms: int = NEVER
    shipped_ms: int = NEVER
    wins: bool = True
    patch: JsonObject | None = None

    @property
    def auction(self) -> bool:
        return self.transaction_id == AUCTION_TRANSACTION

    @property
    def line_item_id(self) -> str:
        return f"{self.item.item_id}-{self.transaction_id}"


@dataclass(slots=True)
class CombinedOrder:
    """Purchases from one seller that were put into one order at a moment; before it each stands alone."""

    order_id: str
    from_ms: int
    purchases: list[Purchase]


@dataclass(frozen=True, slots=True)
class WonEntry:
    """One OrderTransaction: a purchase, or several in an order."""

    purchases: tuple[Purchase, ...]
    order_id: str | None = None

    @property
    def bought_ms(self) -> int:
        return max(one.bought_ms for one in self.purchases)


class PurchaseBook:
    """Every change goes through `add`, `combine`, `change` or `remove`."""

    def __init__(self, *, seed: int, buyer: Seller, sellers: Sequence[Seller]) -> None:
        self.seed = seed
        self.buyer = buyer
        self.purchases: dict[str, Purchase] = {}  # by OrderLineItemID, in the order of making
        self._others = [seller for seller in sellers if seller is not buyer]
        self._orders: list[CombinedOrder] = []
        self._made = 0

    def fill(self, *, size: int, epoch_ms: int) -> None:
        """`size` purchases of the last 75 days, some in twos and threes, and auctions that will end soon."""
        source = rng(self.seed, self.buyer.number, 60)
        while self._made < size:
            at_ms = epoch_ms - source.randrange(HOUR_MS, 75 * DAY_MS)
            self.buy(source, at_ms, together=min(size - self._made, _how_many(source)))
        for at in range(2 if size else 0):
            bid = self._draw(source, epoch_ms + (at + 1) * DAY_MS, auction=True)
            bid.wins = at == 0
            self.add(bid)

    def buy(
        self, source: Random, at_ms: int, *, together: int = 1, auction: bool | None = None
    ) -> list[Purchase]:
        """One purchase, or several from one seller that become one order within hours."""
        first = self._draw(source, at_ms, auction=source.random() < 0.4 if auction is None else auction)
        more = [self._draw(source, at_ms, auction=False, beside=first) for _ in range(together - 1)]
        bought = [self.add(one) for one in (first, *more)]
        if more:
            self.combine(bought, at_ms + source.randrange(HOUR_MS, 6 * HOUR_MS))
        return bought

    def win(
        self, item: Listing, *, seller: Seller | None, stranger: str, currency: str, at_ms: int
    ) -> Purchase:
        """An auction that this user got by bidding."""
        place = self._made
        self._made += 1
        return self.add(
            Purchase(place, item, AUCTION_TRANSACTION, seller, stranger, item.price, 1, currency, at_ms)
        )

    def _draw(self, source: Random, at_ms: int, *, auction: bool, beside: Purchase | None = None) -> Purchase:
        seller = self._seller(source) if beside is None else beside.seller
        stranger = source.choice(_STRANGERS) if beside is None else beside.stranger
        place = self._made
        self._made += 1
        item = self._item(seller, stranger, source.randrange(LISTINGS_PER_SELLER))
        if auction and f"{item.item_id}-{AUCTION_TRANSACTION}" in self.purchases:
            item = self._item(seller, stranger, _OTHER_PLACES + place)  # an auction is won once
        bought_ms = at_ms // SECOND_MS * SECOND_MS
        number = AUCTION_TRANSACTION if auction else self._number(_TRANSACTION_IDS, place)
        site = self.buyer.site if seller is None else seller.site
        one = Purchase(place, item, number, seller, stranger, item.price, 1, site.currency, bought_ms)
        if not auction and source.random() < 0.2:
            one.quantity = source.randrange(2, 6)
        if source.random() < 0.93:
            one.paid_ms = bought_ms + source.randrange(MINUTE_MS, DAY_MS) // SECOND_MS * SECOND_MS
        if one.paid_ms != NEVER and source.random() < 0.9:
            one.shipped_ms = one.paid_ms + source.randrange(8 * HOUR_MS, 4 * DAY_MS) // SECOND_MS * SECOND_MS
        return one

    def _seller(self, source: Random) -> Seller | None:
        return source.choice(self._others) if self._others and source.random() < 0.6 else None

    def _item(self, seller: Seller | None, stranger: str, place: int) -> Listing:
        number = _OTHER_WORLD + _STRANGERS.index(stranger) if seller is None else seller.number
        site = self.buyer.site if seller is None else seller.site
        return listing(self.seed, number, site.key, place)

    def _number(self, numbering: Numbering, place: int) -> str:
        return numbering.id_of(seed=self.seed, seller_number=self.buyer.number, place=place)

    def add(self, purchase: Purchase) -> Purchase:
        self.purchases[purchase.line_item_id] = purchase
        return purchase

    def combine(self, purchases: Iterable[Purchase], from_ms: int) -> CombinedOrder:
        """One order, paid and sent as a whole."""
        members = list(purchases)
        for one in members[1:]:
            one.paid_ms, one.shipped_ms = members[0].paid_ms, members[0].shipped_ms
        order = CombinedOrder(self._number(_ORDER_IDS, members[0].place), from_ms, members)
        self._orders.append(order)
        return order

    def change(
        self,
        purchase: Purchase,
        *,
        paid_ms: int | None = None,
        shipped_ms: int | None = None,
        patch: JsonObject | None = None,
    ) -> None:
        """None leaves a moment, NEVER takes it away."""
        purchase.paid_ms = purchase.paid_ms if paid_ms is None else paid_ms
        purchase.shipped_ms = purchase.shipped_ms if shipped_ms is None else shipped_ms
        if patch:
            purchase.patch = join_patches(purchase.patch or {}, patch)

    def remove(self, purchase: Purchase) -> None:
        """As when the user deletes it from the list."""
        del self.purchases[purchase.line_item_id]

    def won(self, now_ms: int, since_ms: int) -> list[WonEntry]:
        """What was won from `since_ms` to now; an order counts by its newest purchase."""
        entries: list[WonEntry] = []
        combined: set[int] = set()
        for order in self._orders:
            if order.from_ms <= now_ms:
                members = tuple(one for one in order.purchases if one.line_item_id in self.purchases)
                combined.update(one.place for one in members)
                entries += [WonEntry(members, order.order_id)] if members else []
        for one in self.purchases.values():
            if one.wins and one.place not in combined:
                entries.append(WonEntry((one,)))
        return [entry for entry in entries if since_ms <= entry.bought_ms <= now_ms]

    def bids(self, now_ms: int) -> list[Purchase]:
        """Auctions not yet over that this user bids on."""
        return [
            one
            for one in self.purchases.values()
            if one.auction and one.bought_ms - BIDDING_MS <= now_ms < one.bought_ms
        ]


def _how_many(source: Random) -> int:
    return 1 if source.random() < 0.8 else source.randrange(2, 4)
