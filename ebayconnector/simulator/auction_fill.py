"""Auctions made up from the seed: what is sold, by whom, and the strangers who will bid."""

from dataclasses import dataclass, field
from random import Random

from ebayconnector.simulator.auction_book import Auction, AuctionBook, ItemKind, Rival
from ebayconnector.simulator.auction_proxy import ProxyBook
from ebayconnector.simulator.listings import listing
from ebayconnector.simulator.number_ids import Numbering
from ebayconnector.simulator.randomness import rng
from ebayconnector.simulator.sellers import Seller
from ebayconnector.simulator.sites import SITES, Site
from ebayconnector.simulator.times import DAY_MS, MINUTE_MS

_ITEM_IDS = Numbering("4", 12, 387_420_489)
_STRANGERS = ("attic-finds", "old.barn_sales", "köln-teile", "b&b_books", "quartz_and_co")
_BIDDERS = ("r***7", "m***k", "a***a", "5***p", "t***2", "w***e")
_AUCTION_WORLD = 80  # a seller's number that only auctions use
_US = 1_000


@dataclass(frozen=True, slots=True)
class Wish:
    """An item to be made. Amounts are in cents; `background` strangers bid around `value`."""

    end_us: int
    kind: ItemKind = "auction"
    site: Site = SITES["US"]
    seller: Seller | None = None
    title: str | None = None
    start: int | None = None
    reserve: int | None = None
    buy_it_now: int | None = None
    background: int = 0
    value: int | None = None
    rivals: list[Rival] = field(default_factory=list)


def make_item(book: AuctionBook, seed: int, wish: Wish, now_us: int) -> Auction:
    """One more item in the book."""
    place = book.made
    book.made += 1
    site = wish.site if wish.seller is None else wish.seller.site
    source, listed = rng(seed, _AUCTION_WORLD, place), listing(seed, _AUCTION_WORLD, site.key, place)
    start = listed.price // 3 + 1 if wish.start is None else wish.start
    value = listed.price if wish.value is None else wish.value
    start_us = min(now_us, wish.end_us) - source.randrange(1, 7 * DAY_MS) * _US
    auction = Auction(
        item_id=_ITEM_IDS.id_of(seed=seed, seller_number=_AUCTION_WORLD, place=place),
        kind=wish.kind,
        seller=wish.seller,
        stranger=source.choice(_STRANGERS),
        site=site,
        title=wish.title or listed.title,
        start_us=start_us,
        end_us=wish.end_us,
        book=ProxyBook(start, wish.reserve, site.currency),
        buy_it_now=wish.buy_it_now,
        rivals=[*wish.rivals, *background(source, start_us, wish.end_us, value, wish.background)],
    )
    return book.add(auction)


def background(source: Random, start_us: int, end_us: int, value: int, count: int) -> list[Rival]:
    """Strangers who bid as people do: around what it is worth, and most of them late."""
    life_us = end_us - start_us
    return [
        Rival(
            bidder=source.choice(_BIDDERS),
            maximum=max(1, round(value * source.uniform(0.3, 1.1))),
            before_end_us=int(life_us * source.random() ** 3),
            least=source.random() < 0.3,
        )
        for _ in range(count)
    ]


def fill(book: AuctionBook, *, seed: int, size: int, epoch_us: int) -> None:
    """Auctions that end within minutes and days, and among them a fixed price and a group of variations."""
    keys, source = list(SITES), rng(seed, _AUCTION_WORLD)
    for place in range(size):
        kind: ItemKind = {5: "fixed_price", 9: "group"}.get(place, "auction")  # type: ignore[assignment]
        minutes = 4 * 2**place if place < 11 else source.randrange(5, 7 * 24 * 60)
        wish = Wish(
            end_us=epoch_us + minutes * MINUTE_MS * _US,
            kind=kind,
            site=SITES[keys[place // 2 % len(keys)]],
            background=0 if place % 4 == 3 else source.randrange(2, 12),
            buy_it_now=30_000 if place % 4 == 3 or kind == "fixed_price" else None,
        )
        make_item(book, seed, wish, epoch_us)
