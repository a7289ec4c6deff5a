"""What never changes about an order: who bought what for how much, and which containers eBay leaves out."""

from dataclasses import dataclass
from random import Random

from ebayconnector.simulator.buyers import Buyer, draw_buyer
from ebayconnector.simulator.listings import LISTINGS_PER_SELLER, Listing, listing
from ebayconnector.simulator.randomness import rng
from ebayconnector.simulator.sites import Site


@dataclass(frozen=True, slots=True)
class Line:
    """Money in cents; `cost` is unit price times quantity."""

    line_item_id: str
    listing: Listing
    quantity: int
    cost: int
    shipping: int
    discount: int
    tax: int
    ad_campaign: bool
    best_offer: bool

    @property
    def total(self) -> int:
        return self.cost - self.discount + self.shipping


@dataclass(frozen=True, slots=True)
class Quirks:
    """Which containers are left out, empty or null: it differs from order to order in life."""

    empty_refunds_absent: bool
    cancelled_date_null: bool
    empty_hrefs_absent: bool
    legacy_order_id: bool
    sales_record: bool
    marketplace_fee: bool
    tax_container: bool
    program: bool
    final_destination: bool
    email_absent: bool


@dataclass(frozen=True, slots=True)
class OrderFacts:
    buyer: Buyer
    lines: tuple[Line, ...]
    quirks: Quirks
    note: str | None
    payment_reference: str
    fulfilment_ref: str
    refund_id: str
    refund_share: float
    cancel_reason: str
    converted_rate: float | None


_NOTES = (
    "Please leave at the back door – danke schön!",
    "Bitte als Geschenk verpacken 🎁",
    "Pouvez-vous l’envoyer aujourd’hui ?",
    '<b>URGENT</b> & fragile; "don\'t bend"',
    "line one\nline two\ttabbed",
)
_REASONS = ("BUYER_ASKED_CANCEL", "OUT_OF_STOCK_OR_CANNOT_FULFILL", "ADDRESS_ISSUES", "ORDER_MISTAKE")


def order_facts(*, seed: int, seller_number: int, site: Site, n: int) -> OrderFacts:
    source = rng(seed, seller_number, 2, n)
    buyer = draw_buyer(source, site)
    return OrderFacts(
        buyer=buyer,
        lines=_lines(source, seed, seller_number, site),
        quirks=_quirks(source),
        note=source.choice(_NOTES) if source.random() < 0.1 else None,
        payment_reference=str(source.randrange(10**10, 10**11)),
        fulfilment_ref=str(source.randrange(94 * 10**20, 95 * 10**20)),
        refund_id=str(source.randrange(5 * 10**9, 6 * 10**9)),
        refund_share=source.uniform(0.1, 0.6),
        cancel_reason=source.choice(_REASONS),
        converted_rate=source.uniform(0.6, 1.7) if buyer.site.currency != site.currency else None,
    )


def _lines(source: Random, seed: int, seller_number: int, site: Site) -> tuple[Line, ...]:
    count = 1 if source.random() < 0.75 else source.randrange(2, 5)
    places = [source.randrange(LISTINGS_PER_SELLER) for _ in range(count)]
    if count > 1 and source.random() < 0.4:
        places[1] = places[0]  # two lines with one SKU: never a key (03 §4.1)
    first_id = source.randrange(10**13, 9 * 10**13)
    return tuple(
        _line(source, str(first_id + at * 7), listing(seed, seller_number, site.key, place), site)
        for at, place in enumerate(places)
    )


def _line(source: Random, line_item_id: str, sold: Listing, site: Site) -> Line:
    quantity = 1 if sold.sold_format == "AUCTION" or source.random() < 0.85 else source.randrange(2, 9)
    cost = sold.price * quantity
    discount = cost // 10 if source.random() < 0.08 else 0
    return Line(
        line_item_id=line_item_id,
        listing=sold,
        quantity=quantity,
        cost=cost,
        shipping=0 if source.random() < 0.4 else source.randrange(199, 1_499),
        discount=discount,
        tax=(cost - discount) * 8 // 100 if site.collects_tax else 0,
        ad_campaign=source.random() < 0.2,
        best_offer=source.random() < 0.05,
    )


def _quirks(source: Random) -> Quirks:
    draw = source.random
    return Quirks(
        empty_refunds_absent=draw() < 0.5,
        cancelled_date_null=draw() < 0.3,
        empty_hrefs_absent=draw() < 0.5,
        legacy_order_id=draw() < 0.3,
        sales_record=draw() < 0.8,
        marketplace_fee=draw() < 0.8,
        tax_container=draw() < 0.3,
        program=draw() < 0.1,
        final_destination=draw() < 0.05,
        email_absent=draw() < 0.05,
    )
