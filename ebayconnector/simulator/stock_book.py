"""All inventory items and offers of one seller. Every change goes through a method of `StockBook`."""

from collections.abc import Iterable
from dataclasses import dataclass

from ebayconnector.simulator.json_types import JsonObject, join_patches
from ebayconnector.simulator.listings import Listing, listing
from ebayconnector.simulator.sites import SITES, Site

FORMATS = ("FIXED_PRICE", "AUCTION")
LISTING_STATUSES = ("ACTIVE", "OUT_OF_STOCK", "INACTIVE", "ENDED", "EBAY_ENDED", "NOT_LISTED")
CURRENCY_OF = {site.marketplace: site.currency for site in SITES.values()}

# Places in the seller's listings that no order refers to: items of their own, and listings of later offers.
_OWN_PLACES, _LATER_PLACES = 1_000_000, 2_000_000

_ID_SPACE = 10**11
_ID_FACTOR = 387_420_489  # a power of three, hence invertible modulo 10**11: ids are unique
_ID_SEED_STEP = 7_919_003
_OFFERS_PER_SELLER = 10_000_000


class StockConflict(Exception):
    """The SKU is taken, or the SKU has an offer of this format on this marketplace."""


@dataclass(slots=True)
class StockItem:
    """`number` counts a seller's items in the order of their creation; `legacy` SKUs fail in getOffers."""

    number: int
    sku: str
    listing: Listing
    title: str
    quantity: int
    legacy: bool
    group: str | None = None
    patch: JsonObject | None = None


@dataclass(slots=True)
class StockOffer:
    """Published while it has a `listing_id`; `price` is in cents, None before one is set. `listed_ms` is when
    it was published, 0 for what the stock began with.

    Without `shows_quantity` the seller never set availableQuantity, and eBay leaves the field out.
    """

    number: int
    offer_id: str
    item: StockItem
    marketplace: str
    format: str
    price: int | None
    listing_id: str | None = None
    listed_ms: int = 0
    sold: int = 0
    shows_quantity: bool = True
    forced_status: str | None = None
    on_hold: bool = False
    patch: JsonObject | None = None

    @property
    def published(self) -> bool:
        return self.listing_id is not None

    @property
    def key(self) -> tuple[str, str]:
        """Beside the SKU; no two offers of a SKU have the same (03 §6.2)."""
        return self.marketplace, self.format

    @property
    def available(self) -> int:
        return min(1, self.item.quantity) if self.format == "AUCTION" else self.item.quantity

    @property
    def listing_status(self) -> str:
        return self.forced_status or ("ACTIVE" if self.available else "OUT_OF_STOCK")


class StockBook:
    def __init__(self, *, seed: int, seller_number: int, site: Site) -> None:
        self.seed = seed
        self.seller_number = seller_number
        self.site = site
        self.items: dict[int, StockItem] = {}  # by number, in the order of creation
        self.offers: dict[str, StockOffer] = {}  # by id, in the order of creation
        self.made_items = 0
        self.now_ms = 0  # of what happens next: set by who lets it happen
        self._made_offers = 0
        self._made_listings = 0
        self._next_place = 0
        self._numbers: dict[str, int] = {}
        self._offers_of: dict[int, list[StockOffer]] = {}

    def __len__(self) -> int:
        return len(self.items)

    def item_of(self, sku: str) -> StockItem | None:
        number = self._numbers.get(sku)
        return None if number is None else self.items[number]

    def offers_of(self, item: StockItem) -> list[StockOffer]:
        return self._offers_of[item.number]

    def plain_listing(self) -> Listing:
        """The seller's next listing with a SKU; the first of them are those that orders refer to."""
        while True:
            found = self._listing(self._next_place)
            self._next_place += 1
            if found.sku is not None and found.sku not in self._numbers:
                return found

    def has_taken(self, place: int, listed: Listing) -> bool:
        """Whether the listing of a place was ever made an item, which may be gone by now."""
        return place < self._next_place and listed.sku is not None

    def own_listing(self) -> Listing:
        """A listing that no order refers to, for the item that is made next."""
        return self._listing(_OWN_PLACES + self.made_items)

    def _listing(self, place: int) -> Listing:
        return listing(self.seed, self.seller_number, self.site.key, place)

    def add_item(
        self, *, sku: str, listed: Listing, quantity: int, title: str | None = None, legacy: bool = False
    ) -> StockItem:
        """Raises StockConflict when the SKU is taken."""
        if sku in self._numbers:
            raise StockConflict(f"SKU exists: {sku}")
        item = StockItem(self.made_items, sku, listed, title or listed.title, quantity, legacy)
        self.made_items += 1
        self.items[item.number] = item
        self._numbers[sku] = item.number
        self._offers_of[item.number] = []
        return item

    def remove_item(self, item: StockItem) -> None:
        """With its offers, as deleteInventoryItem does."""
        for offer in self._offers_of.pop(item.number):
            del self.offers[offer.offer_id]
        del self.items[item.number]
        del self._numbers[item.sku]

    def change_item(
        self,
        item: StockItem,
        *,
        quantity: int | None = None,
        title: str | None = None,
        patch: JsonObject | None = None,
    ) -> None:
        item.quantity = item.quantity if quantity is None else quantity
        item.title = title or item.title
        if patch:
            item.patch = join_patches(item.patch or {}, patch)

    def add_offer(self, item: StockItem, *, marketplace: str, format: str, price: int | None) -> StockOffer:
        """An unpublished offer. Raises StockConflict when the SKU has one like it."""
        if any(offer.key == (marketplace, format) for offer in self.offers_of(item)):
            raise StockConflict(f"{item.sku} has an offer for {marketplace} and {format}")
        number = self._made_offers
        self._made_offers += 1
        offer = StockOffer(number, self._offer_id(number), item, marketplace, format, price)
        self.offers[offer.offer_id] = offer
        self.offers_of(item).append(offer)
        return offer

    def _offer_id(self, number: int) -> str:
        """Twelve digits, unique among all sellers of one world."""
        mixed = (self.seller_number * _OFFERS_PER_SELLER + number) * _ID_FACTOR + self.seed * _ID_SEED_STEP
        return str(5 * _ID_SPACE + mixed % _ID_SPACE)

    def publish(self, offer: StockOffer, listing_id: str | None = None) -> None:
        """Each publication is another listing unless `listing_id` names one."""
        if listing_id is None:
            listing_id = self._listing(_LATER_PLACES + self._made_listings).item_id
            self._made_listings += 1
        offer.listing_id, offer.listed_ms = listing_id, self.now_ms
        offer.sold, offer.forced_status = 0, None
        offer.price = offer.item.listing.price if offer.price is None else offer.price

    def withdraw(self, offer: StockOffer) -> None:
        """Ends the listing; the offer stays, unpublished."""
        offer.listing_id, offer.on_hold, offer.forced_status = None, False, None

    def remove_offer(self, offer: StockOffer) -> None:
        del self.offers[offer.offer_id]
        self.offers_of(offer.item).remove(offer)

    def sell(self, offer: StockOffer, quantity: int) -> None:
        """Not more than there is."""
        sold = min(quantity, offer.available)
        offer.sold += sold
        offer.item.quantity -= sold

    def reachable_offers(self) -> Iterable[StockOffer]:
        """The offers that getOffers gives to who asks for every SKU, by item."""
        return (
            offer for item in self.items.values() if not item.legacy for offer in self._offers_of[item.number]
        )
