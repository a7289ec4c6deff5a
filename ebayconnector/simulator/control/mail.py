"""Control API: messages come and go and change their flags, and what is true of them."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ebayconnector.simulator.callers import world_of
from ebayconnector.simulator.control.body import BadControlCall, Fields, json_fields, query_fields
from ebayconnector.simulator.control.trading import MOST_AT_ONCE, drift_endpoint, overrides, paged
from ebayconnector.simulator.mail_activity import MAIL_CHANGES, MailChange, change_mail
from ebayconnector.simulator.mail_body import message_body
from ebayconnector.simulator.mail_book import (
    EBAY,
    FOLDERS,
    NEVER,
    QUESTION,
    REPLY,
    SENT,
    TRANSACTION,
    Mail,
    MailBook,
)
from ebayconnector.simulator.responses import json_response
from ebayconnector.simulator.sellers import Seller
from ebayconnector.simulator.trading_world import TradingBooks
from ebayconnector.simulator.world import World

_KINDS = {"question": QUESTION, "transaction": TRANSACTION, "ebay": EBAY, "sent": REPLY}
_FIXED = ("MessageID", "ReceiveDate", "ExpirationDate", "Flagged", "Read", "Replied", "Folder")


async def true_messages(request: Request) -> Response:
    """Every message of every folder with its text, oldest first."""
    world, fields = world_of(request), query_fields(request, "seller", "offset", "limit")
    seller, now_ms = fields.seller(world), world.clock.now_ms()
    book = world.trading.mail_of(seller)
    return paged(
        fields, "messages", book.live(now_ms), lambda n: message_body(book, n, seller, now_ms, text=True)
    )


async def add_messages(request: Request) -> Response:
    """Unread unless said otherwise; about an order when one is named."""
    world = world_of(request)
    fields = await json_fields(
        request, "seller", "count", "received_at", "kind", "folder", "order_id", "read", "flagged",
        "high_priority", "overrides",
    )  # fmt: skip
    seller, count = fields.seller(world), fields.whole("count", 1, most=MOST_AT_ONCE)
    mail, patch = _mail(world, seller, fields), overrides(fields, *_FIXED)
    book = world.trading.mail_of(seller)
    places = [book.add(mail) for _ in range(count)]
    for n in places:
        book.change(n, patch=patch)
    return json_response({"messageIds": [book.message_id(n) for n in places]})


def _mail(world: World, seller: Seller, fields: Fields) -> Mail:
    kind = _KINDS[fields.maybe_text("kind", _KINDS) or "question"]
    received_ms = fields.maybe_time("received_at")
    at_ms = world.clock.now_ms() if received_ms is None else received_ms
    order_id = fields.maybe_text("order_id")
    order = world.orders_of(seller).place_of(order_id) if order_id else None
    if order_id and order is None:
        raise BadControlCall(f"this seller has no order {order_id}")
    return Mail(
        received_ms=at_ms,
        kind=kind,
        folder=_folder(fields, sent=kind == REPLY) or (SENT if kind == REPLY else 0),
        order=order,
        read_ms=at_ms if fields.flag("read", kind == REPLY) else NEVER,
        flagged_ms=at_ms if fields.flag("flagged", False) else NEVER,
        high_priority=fields.flag("high_priority", False),
    )


def _folder(fields: Fields, *, sent: bool) -> int | None:
    """Sent messages stay in the sent folder, and no other comes there."""
    folder = fields.maybe_whole("folder")
    if folder is None:
        return None
    if folder not in FOLDERS or (folder == SENT) != sent:
        known = ", ".join(str(one) for one in FOLDERS)
        raise BadControlCall(f"folder must be one of {known}, and only what was sent in {SENT}")
    return folder


def _place(book: MailBook, request: Request, now_ms: int) -> int:
    message_id = request.path_params["message_id"]
    n = book.place_of(message_id, now_ms)
    if n is None:
        raise BadControlCall(f"this seller has no message {message_id}")
    return n


async def change_message(request: Request) -> Response:
    """Flags and folder change in place; nothing says when."""
    world = world_of(request)
    fields = await json_fields(request, "seller", "read", "flagged", "replied", "folder", "overrides")
    seller, now_ms = fields.seller(world), world.clock.now_ms()
    book = world.trading.mail_of(seller)
    n = _place(book, request, now_ms)
    patch, folder = overrides(fields, *_FIXED), _folder(fields, sent=book.folder[n] == SENT)
    read_ms = _since(fields, "read", book.read_ms[n], now_ms)
    flagged_ms = _since(fields, "flagged", book.flagged_ms[n], now_ms)
    replied_ms = _since(fields, "replied", book.replied_ms[n], now_ms)
    book.mark(n, read_ms=read_ms, flagged_ms=flagged_ms, replied_ms=replied_ms)
    book.change(n, folder=folder, patch=patch)
    return json_response(message_body(book, n, seller, now_ms, text=True))


def _since(fields: Fields, name: str, old_ms: int, now_ms: int) -> int | None:
    """Since when a flag is set; None when the call does not name it."""
    if name not in fields:
        return None
    return min(old_ms, now_ms) if fields.flag(name, False) else NEVER


async def remove_message(request: Request) -> Response:
    world = world_of(request)
    book = world.trading.mail_of(query_fields(request, "seller").seller(world))
    n = _place(book, request, world.clock.now_ms())
    book.remove(n)
    return json_response({"removed": book.message_id(n)})


async def change_some(request: Request) -> Response:
    world = world_of(request)
    fields = await json_fields(request, "seller", "count", "kind")
    seller, count = fields.seller(world), fields.whole("count", 1, most=MOST_AT_ONCE)
    kind: MailChange | None = fields.maybe_text("kind", MAIL_CHANGES)  # type: ignore[assignment]
    changed = [_change(world.trading, seller, kind) for _ in range(count)]
    return json_response({"messageIds": [one for one in changed if one is not None]})


def _change(books: TradingBooks, seller: Seller, kind: MailChange | None) -> str | None:
    book, orders = books.mail_of(seller), books.orders_of(seller)
    return change_mail(book, orders, books.by_hand(seller), books.clock.now_ms(), kind)


def _move(books: TradingBooks, seller: Seller, kind: str, at: int) -> None:
    mixed: tuple[MailChange, ...] = ("delete", "arrive", "flags")
    _change(books, seller, mixed[at % 3] if kind == "mixed" else kind)  # type: ignore[arg-type]


routes = [
    Route("/_sim/truth/messages", true_messages, methods=["GET"]),
    Route("/_sim/messages", add_messages, methods=["POST"]),
    Route("/_sim/messages/change", change_some, methods=["POST"]),
    Route(
        "/_sim/messages/drift", drift_endpoint("messages", (*MAIL_CHANGES, "mixed"), _move), methods=["POST"]
    ),
    Route("/_sim/messages/{message_id}", change_message, methods=["PATCH"]),
    Route("/_sim/messages/{message_id}", remove_message, methods=["DELETE"]),
]
