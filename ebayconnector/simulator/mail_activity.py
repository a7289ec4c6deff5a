"""What happens to a mailbox by hand: messages come, are read, flagged, answered and deleted."""

from random import Random
from typing import Literal, get_args

from ebayconnector.simulator.mail_book import NEVER, MailBook
from ebayconnector.simulator.mail_fill import answer, receive
from ebayconnector.simulator.order_book import OrderBook

MailChange = Literal["arrive", "flags", "answer", "delete"]
MAIL_CHANGES: tuple[str, ...] = get_args(MailChange)


def change_mail(
    book: MailBook, orders: OrderBook, source: Random, now_ms: int, kind: MailChange | None = None
) -> str | None:
    """One change, mostly of a recent received message; answers its id, None when there is none."""
    kind = kind or ("arrive" if source.random() < 0.5 else "answer" if source.random() < 0.3 else "flags")
    if kind == "arrive":
        return book.message_id(receive(book, orders, source, now_ms))
    received = book.received_between(None, now_ms)
    if not len(received):
        return None
    back = int(len(received) * source.random() ** 3)
    n = received.places(back, back + 1, newest_first=True)[0]
    message_id = book.message_id(n)
    if kind == "delete":
        book.remove(n)
    elif kind == "answer":
        answer(book, n, now_ms)
    else:
        toggle_flags(book, n, now_ms)
    return message_id


def toggle_flags(book: MailBook, n: int, now_ms: int) -> None:
    """Read becomes unread and the other way round; a message of even place also gets or loses its flag."""
    book.mark(n, read_ms=NEVER if book.read_ms[n] <= now_ms else now_ms)
    if n % 2 == 0:
        book.mark(n, flagged_ms=NEVER if book.flagged_ms[n] <= now_ms else now_ms)
