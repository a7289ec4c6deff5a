"""What one seller has on sale: listings of the seller's own making, and those that offers were published as.

Own listings are the ones that orders refer to (`listings`), as long as no inventory item took them over: then
the offer decides. Every change of an own listing goes through a method of `ListingBook`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ebayconnector.simulator.json_types import JsonObject, join_patches
from ebayconnector.simulator.listings import Listing, listing
from ebayconnector.simulator.randomness import mix, rng, unit
from ebayconnector.simulator.sites import Site
from ebayconnector.simulator.stock_book import StockBook, StockOffer
from ebayconnector.simulator.times import DAY_MS, MINUTE_MS, SECOND_MS

RENEWAL_MS = 30 * DAY_MS  # a fixed price is good till cancelled and renewed each month
AUCTION_MS = 7 * DAY_MS

_NEW_PLACES = 3_000_000  # places in the seller's listings that nothing else uses
_MORE_VALUES = ("Blue", "Anthracite & Gold", "Größe M", "XL")
_BID_STEP = 7  # per cent of the start price
_SHOWN_STATUSES = frozenset({"ACTIVE", "OUT_OF_STOCK"})


@dataclass(slots=True)
class Variant:
    """One variation; its seller may have given it no SKU, then only its specifics tell it from the others."""

    sku: str | None
    specifics: tuple[tuple[str, str], ...]
    price: int
    available: int
    sold: int = 0


@dataclass(slots=True)
class OwnListing:
    """`price` is in cents, an auction's start price; a fixed price ends only by hand (`ended_ms`)."""

    place: int
    listing: Listing
    title: str
    sku: str | None
    price: int
    available: int
    start_ms: int
    auction: bool = False
    auction_end_ms: int | None = None
    sold: int = 0
    variants: list[Variant] = field(default_factory=list)
    bids: int | None = None
    ended_ms: int | None = None
    away: bool = False  # not listed for a while, and then again as it was
    patch: JsonObject | None = None

    @property
    def item_id(self) -> str:
        return self.listing.item_id

    def shown(self, now_ms: int) -> bool:
        if self.away or self.start_ms > now_ms or (self.ended_ms is not None and self.ended_ms <= now_ms):
            return False
        return self.auction_end_ms is None or self.auction_end_ms > now_ms


@dataclass(slots=True)
class LiveListing:
    """A listing that is active at a moment: an own one, or offers that were published together.

    `end_ms` is when a fixed price is renewed or an auction ends.
    """

    item_id: str
    start_ms: int
    end_ms: int
    own: OwnListing | None = None
    offers: Sequence[StockOffer] = ()

    @property
    def auction(self) -> bool:
        return self.own.auction if self.own else self.offers[0].format == "AUCTION"

    @property
    def title(self) -> str:
        return self.own.title if self.own else self.offers[0].item.title

    @property
    def start_price(self) -> int:
        return self.own.price if self.own else self.offers[0].price or 0

    @property
    def available(self) -> int:
        if self.own is None:
            return sum(offer.available for offer in self.offers)
        return sum(one.available for one in self.own.variants) if self.own.variants else self.own.available

    @property
    def sold(self) -> int:
        if self.own is None:
            return sum(offer.sold for offer in self.offers)
        return sum(one.sold for one in self.own.variants) if self.own.variants else self.own.sold

    def bid_count(self, now_ms: int) -> int:
        """Bids come as time goes by, most of them late; zero where nobody can bid."""
        if not self.auction:
            return 0
        if self.own is not None and self.own.bids is not None:
            return self.own.bids
        number = int(self.item_id) + self.end_ms // DAY_MS
        passed = (now_ms - self.start_ms) / AUCTION_MS
        return sum(unit(number, at) ** 0.4 <= passed for at in range(mix(number) % 16))

    def price_at(self, now_ms: int) -> int:
        return self.start_price + self.start_price * _BID_STEP * self.bid_count(now_ms) // 100

    def watchers(self, now_ms: int) -> int:
        """Moves every few minutes, up and down."""
        number = int(self.item_id)
        return mix(number, 7) % 24 + mix(number, now_ms // (7 * MINUTE_MS)) % 4 - 2


class ListingBook:
    def __init__(self, *, seed: int, seller_number: int, site: Site, stock: StockBook, epoch_ms: int) -> None:
        self.seed = seed
        self.seller_number = seller_number
        self.site = site
        self.stock = stock
        self.own: dict[str, OwnListing] = {}  # by item id, in the order of creation
        self._epoch_ms = epoch_ms
        self._made = 0
        self._places: list[OwnListing] = []

    def fill(self, size: int) -> None:
        """Listings of the places that orders refer to, begun up to a year ago; a few will begin later."""
        for place in range(size):
            source = rng(self.seed, self.seller_number, 50, place)
            listed = self._listing(place)
            age_ms = source.randrange(DAY_MS, 6 * DAY_MS if listed.sold_format == "AUCTION" else 400 * DAY_MS)
            if place % 29 == 5:
                age_ms = -source.randrange(DAY_MS, 6 * DAY_MS)
            self._keep(self._made_up(place, start_ms=self._epoch_ms - age_ms))

    def _listing(self, place: int) -> Listing:
        return listing(self.seed, self.seller_number, self.site.key, place)

    def _keep(self, one: OwnListing) -> OwnListing:
        self.own[one.item_id] = one
        self._places.append(one)
        return one

    def _made_up(self, place: int, *, start_ms: int) -> OwnListing:
        source, listed = rng(self.seed, self.seller_number, 51, place), self._listing(place)
        start_ms = start_ms // SECOND_MS * SECOND_MS
        auction = listed.sold_format == "AUCTION"
        one = OwnListing(place, listed, listed.title, listed.sku, listed.price, 1, start_ms, auction)
        if auction:
            one.auction_end_ms = start_ms + AUCTION_MS
            return one
        one.available, one.sold = source.randrange(1, 60), source.randrange(0, 30)
        if listed.variation_id is not None:
            one.sku = None if source.random() < 0.7 else f"{listed.sku or place}-ALL"
            one.variants = _variants(listed, source.randrange(1, 4), source.randrange(1, 20))
        return one

    def new_listing(self, now_ms: int) -> OwnListing:
        """A listing that no order refers to."""
        one = self._made_up(_NEW_PLACES + self._made, start_ms=now_ms)
        self._made += 1
        return self._keep(one)

    def first_active(self, start: int, now_ms: int) -> OwnListing | None:
        """The first active fixed price from a place on, round about; None when there is none."""
        size = len(self._places)
        round_about = (self._places[(start + step) % size] for step in range(size))
        return next((one for one in round_about if not one.auction and self._active(one, now_ms)), None)

    def _active(self, one: OwnListing, now_ms: int) -> bool:
        return one.shown(now_ms) and not self.stock.has_taken(one.place, one.listing)

    def end(self, one: OwnListing, at_ms: int) -> None:
        one.ended_ms = at_ms

    def sell(self, one: OwnListing | Variant, quantity: int) -> None:
        """Not more than there is; at zero the listing stays, out of stock."""
        sold = min(quantity, one.available)
        one.available -= sold
        one.sold += sold

    def override(self, one: OwnListing, patch: JsonObject) -> None:
        one.patch = join_patches(one.patch or {}, patch)

    def live(self, now_ms: int) -> list[LiveListing]:
        """All that is active at a moment, own listings first, in the order of creation."""
        own = [
            LiveListing(one.item_id, one.start_ms, self._end_ms(one, now_ms), one)
            for one in self.own.values()
            if self._active(one, now_ms)
        ]
        together: dict[str, list[StockOffer]] = {}
        for offer in self.stock.offers.values():
            if offer.listing_id is not None and offer.listing_status in _SHOWN_STATUSES:
                together.setdefault(offer.listing_id, []).append(offer)
        return own + [self._of_offers(item_id, offers, now_ms) for item_id, offers in together.items()]

    def _end_ms(self, one: OwnListing, now_ms: int) -> int:
        return one.auction_end_ms or _next(one.start_ms, RENEWAL_MS, now_ms)

    def _of_offers(self, item_id: str, offers: list[StockOffer], now_ms: int) -> LiveListing:
        """An auction that an offer made begins anew each week, under the same id."""
        start_ms = offers[0].listed_ms or self._epoch_ms - DAY_MS - mix(int(item_id)) % (300 * DAY_MS)
        start_ms = start_ms // SECOND_MS * SECOND_MS
        period_ms = AUCTION_MS if offers[0].format == "AUCTION" else RENEWAL_MS
        end_ms = _next(start_ms, period_ms, now_ms)
        start_ms = end_ms - AUCTION_MS if offers[0].format == "AUCTION" else start_ms
        return LiveListing(item_id, start_ms, end_ms, offers=offers)


def _next(start_ms: int, period_ms: int, now_ms: int) -> int:
    return start_ms + ((now_ms - start_ms) // period_ms + 1) * period_ms


def _variants(listed: Listing, more: int, quantity: int) -> list[Variant]:
    """The variation that orders refer to first; where the listing has no SKU, none of them has."""
    name, value = listed.variation_aspects[0]
    others = _MORE_VALUES[: more - 1]
    first = Variant(listed.sku, ((name, value),), listed.price, quantity)
    return [first] + [
        Variant(
            None if listed.sku is None else f"{listed.sku}-{at}",
            ((name, other),),
            listed.price + 100 * at,
            max(0, quantity - 3 * at),
        )
        for at, other in enumerate(others, start=2)
    ]
