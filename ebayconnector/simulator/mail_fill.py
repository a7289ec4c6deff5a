"""How messages come about: buyers ask about orders and listings, sellers answer, eBay writes as well."""

from random import Random

from ebayconnector.simulator.mail_book import (
    CUSTOM_FOLDERS,
    EBAY,
    NEVER,
    QUESTION,
    REPLY,
    SENT,
    TRANSACTION,
    Mail,
    MailBook,
)
from ebayconnector.simulator.order_book import OrderBook
from ebayconnector.simulator.randomness import rng
from ebayconnector.simulator.times import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

_NEWEST_ORDERS = 30  # a message is about one of the last orders before it


def fill(book: MailBook, orders: OrderBook, *, size: int, epoch_ms: int) -> None:
    """`size` received messages from the last year; half of them from the last month. Answers come on top."""
    source = rng(book.seed, book.seller_number, 40)
    ages = sorted((_age_ms(source.random()) for _ in range(size)), reverse=True)
    for age_ms in ages:
        receive(book, orders, source, epoch_ms - age_ms)


def _age_ms(u: float) -> int:
    return HOUR_MS + int(u * 2 * 30 * DAY_MS if u < 0.5 else (30 + (u - 0.5) * 2 * 330) * DAY_MS)


def receive(book: MailBook, orders: OrderBook, source: Random, at_ms: int) -> int:
    """A message that comes at a moment, and what the seller will do with it; answers its place."""
    received_ms = at_ms // SECOND_MS * SECOND_MS
    order = _recent_order(orders, source, received_ms)
    u = source.random()
    kind = EBAY if u > 0.8 else TRANSACTION if u > 0.55 and order is not None else QUESTION
    high = kind == EBAY and source.random() < 0.2
    folder = source.choice(tuple(CUSTOM_FOLDERS)) if kind != EBAY and source.random() < 0.08 else 0
    mail = Mail(
        received_ms=received_ms,
        kind=kind,
        folder=folder if folder in book.folders else 0,
        order=None if kind == EBAY and source.random() < 0.5 else order,
        read_ms=received_ms + _delay(source, 10 * MINUTE_MS, 2 * DAY_MS) if source.random() < 0.85 else NEVER,
        flagged_ms=_flagged_ms(source, received_ms, high=high),
        high_priority=high,
    )
    n = book.add(mail)
    if kind != EBAY and source.random() < 0.45:
        answer(book, n, received_ms + _delay(source, HOUR_MS, 3 * DAY_MS))
    return n


def _delay(source: Random, least_ms: int, most_ms: int) -> int:
    return source.randrange(least_ms, most_ms) // SECOND_MS * SECOND_MS


def _flagged_ms(source: Random, received_ms: int, *, high: bool) -> int:
    """eBay flags what is of high priority itself."""
    if high:
        return received_ms
    return received_ms + _delay(source, HOUR_MS, 10 * DAY_MS) if source.random() < 0.07 else NEVER


def _recent_order(orders: OrderBook, source: Random, before_ms: int) -> int | None:
    _, high = orders.span(0, before_ms, by_change=False)
    if high == 0:
        return None
    back = source.randrange(min(_NEWEST_ORDERS, high))
    return orders.places((high - 1 - back, high - back), by_change=False)[0]


def answer(book: MailBook, n: int, at_ms: int) -> int:
    """The seller answers message n at a moment, having read it; answers the place of the sent message."""
    book.mark(n, replied_ms=at_ms, read_ms=min(book.read_ms[n], max(book.received[n], at_ms - MINUTE_MS)))
    return book.add(
        Mail(at_ms, REPLY, folder=SENT, order=book.order_of(n), parent=n, read_ms=at_ms, flagged_ms=NEVER)
    )
