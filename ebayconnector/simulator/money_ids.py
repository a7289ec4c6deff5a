"""Ids of transactions, payouts and transfers, in the manner of eBay's."""

from ebayconnector.simulator.money_entries import (
    CREDIT,
    DISPUTE,
    NO_ORDER,
    NON_SALE_CHARGE,
    REFUND,
    SALE,
    SHIPPING_LABEL,
    TRANSFER,
    Entry,
)
from ebayconnector.simulator.order_book import OrderBook
from ebayconnector.simulator.randomness import unit
from ebayconnector.simulator.sellers import Seller
from ebayconnector.simulator.times import DAY_MS

_OWN_ID_SALT, _SHARED_ID_SALT = 61, 62
_ID_SPACE = 10**12


def sale_id(book: OrderBook, n: int) -> str:
    """Mostly the order's own id, as in live answers; else a number of its own (03 §5.1)."""
    if unit(book.seed, book.seller_number, n, _OWN_ID_SALT) < 0.7:
        return book.order_id(n)
    return f"1{(book.id_number(n) * 7 + 3) % _ID_SPACE:012d}"


def entry_id(book: OrderBook, entry: Entry) -> str:
    """The transactionId: unique per seller and type; a refund may share the id of its sale."""
    if entry.n == NO_ORDER:
        return _charge_id(book, entry)
    number = f"{book.id_number(entry.n):012d}"
    match entry.kind:
        case kind if kind == SALE or (kind == REFUND and _shares_id(book, entry)):
            return sale_id(book, entry.n)
        case kind if kind == REFUND:
            return f"RRP-{number}{entry.part}-CCM_CHARGE"
        case kind if kind == SHIPPING_LABEL:
            return f"7{number}{entry.part}"
        case kind if kind == DISPUTE:
            return f"DISPUTE_HOLD-{number}"
        case kind if kind == CREDIT:
            return f"DISPUTE_HOLD_REVERSE-{number}"
        case kind if kind == TRANSFER:
            return f"9{number}"
        case _:
            return f"FEE-{number}16_11"


def _shares_id(book: OrderBook, entry: Entry) -> bool:
    return entry.part == 0 and unit(book.seed, book.seller_number, entry.n, _SHARED_ID_SALT) < 0.4


def _charge_id(book: OrderBook, entry: Entry) -> str:
    stem = "INVOICE" if entry.kind == NON_SALE_CHARGE else entry.kind
    return f"{stem}-{book.seller_number}{entry.part:06d}_11"


def payout_id(seller: Seller, at_ms: int) -> str:
    """Ten digits that grow with time, unique among the sellers of a world."""
    return str(5_000_000_000 + at_ms // DAY_MS % 100_000 * 10_000 + seller.number % 10_000)
