"""GetMyMessages (03 §3.5). The answer has no PaginationResult, and no `Messages` when there are none."""

from ebayconnector.simulator.json_types import JsonObject
from ebayconnector.simulator.mail_body import message_body
from ebayconnector.simulator.mail_book import CUSTOM_FOLDERS, FOLDERS, MailBook, MailRange
from ebayconnector.simulator.sellers import Seller
from ebayconnector.simulator.trading_errors import (
    BAD_INPUT,
    MISSING_INPUT,
    PAGE_OUT_OF_RANGE,
    UNKNOWN_MESSAGE,
    Problem,
    TradingFailure,
)
from ebayconnector.simulator.trading_input import Inputs, Page
from ebayconnector.simulator.trading_xml import Answer, TradingCall
from ebayconnector.simulator.world import World

IDS_MOST = 10

_LEVELS = ("ReturnSummary", "ReturnHeaders", "ReturnMessages")
_PAGE_DEFAULT = 25
_EXTERNAL_SITE = "0"  # ExternalMessageIDs exist on the US site only


def get_my_messages(world: World, seller: Seller, call: TradingCall) -> Answer:
    inputs = Inputs(call)
    level = inputs.choice("DetailLevel", _LEVELS)
    ids, external = _asked_ids(call)
    if len(ids) > IDS_MOST:
        inputs.wrong(BAD_INPUT, "MessageIDs")
    if level == "ReturnMessages" and not ids:
        inputs.wrong(MISSING_INPUT, "MessageIDs")
    folder = inputs.whole("FolderID", -1, least=0, most=10**12) if call.text("FolderID") else None
    if folder is not None and folder not in FOLDERS:
        inputs.wrong(BAD_INPUT, "FolderID")
    from_ms, to_ms = inputs.time("StartTime"), inputs.time("EndTime")
    high_only = inputs.flag("IncludeHighPriorityMessageOnly", False)
    page = inputs.page("Pagination", default=_PAGE_DEFAULT)
    inputs.check()
    book = world.trading.mail_of(seller)
    if level == "ReturnSummary":
        return Answer({"Summary": _summary(book, call.at_ms)})
    if ids:
        return _by_id(world, seller, call, ids, external=external, text=level == "ReturnMessages")
    found = book.received_between(folder, call.at_ms, from_ms, to_ms)
    places = _high_priority(world, book, found, page) if high_only else _places(world, found, page)
    bodies = [message_body(book, n, seller, call.at_ms) for n in places]
    world.trading.page_served("messages", seller)
    return Answer(_messages(bodies))


def _asked_ids(call: TradingCall) -> tuple[list[str], bool]:
    """The different ids, and whether they are external ones, which take precedence."""
    external = call.texts("ExternalMessageIDs/ExternalMessageID") if call.site_id == _EXTERNAL_SITE else []
    return list(dict.fromkeys(external or call.texts("MessageIDs/MessageID"))), bool(external)


def _messages(bodies: list[JsonObject]) -> JsonObject:
    return {"Messages": {"Message": bodies}} if bodies else {}


def _by_id(
    world: World, seller: Seller, call: TradingCall, ids: list[str], *, external: bool, text: bool
) -> Answer:
    """Whether eBay reports an id of nobody or leaves it out in silence is unverified: a setting."""
    book = world.trading.mail_of(seller)
    place_of = book.place_of_external if external else book.place_of
    found = {asked: place_of(asked, call.at_ms) for asked in ids}
    unknown = tuple(Problem(UNKNOWN_MESSAGE, (asked,)) for asked, n in found.items() if n is None)
    if world.trading.settings.unknown_message == "omitted":
        unknown = ()
    elif len(unknown) == len(ids):
        raise TradingFailure(*unknown)
    bodies = [message_body(book, n, seller, call.at_ms, text=text) for n in found.values() if n is not None]
    return Answer(_messages(bodies), unknown)


def _places(world: World, found: MailRange, page: Page) -> list[int]:
    _check_end(world, len(found), page)
    newest_first = world.trading.settings.messages_sort == "newest_first"
    return found.places(page.start, page.stop, newest_first=newest_first)


def _high_priority(world: World, book: MailBook, found: MailRange, page: Page) -> list[int]:
    newest_first = world.trading.settings.messages_sort == "newest_first"
    places = [n for n in found.places(0, len(found), newest_first=newest_first) if book.high_priority[n]]
    _check_end(world, len(places), page)
    return places[page.start : page.stop]


def _check_end(world: World, total: int, page: Page) -> None:
    """Nothing says how GetMyMessages ends: with an empty page, or with 340 as the lists do (unverified)."""
    if world.trading.settings.messages_beyond_end == "error" and page.number > 1 and page.start >= total:
        raise TradingFailure(Problem(PAGE_OUT_OF_RANGE, (str(page.number),)))


def _summary(book: MailBook, now_ms: int) -> JsonObject:
    """Counts of the whole mailbox, whatever dates are given (unverified)."""
    folders = [_folder_summary(book, folder, now_ms) for folder in book.folders]
    received = book.received_between(None, now_ms)
    places = received.places(0, len(received), newest_first=False)
    return {
        "FolderSummary": folders,
        "NewMessageCount": sum(book.read_ms[n] > now_ms for n in places),
        "FlaggedMessageCount": sum(book.flagged_ms[n] <= now_ms for n in places),
        "TotalMessageCount": len(places),
        "NewHighPriorityCount": sum(bool(book.high_priority[n]) and book.read_ms[n] > now_ms for n in places),
        "TotalHighPriorityCount": sum(book.high_priority[n] for n in places),
    }


def _folder_summary(book: MailBook, folder: int, now_ms: int) -> JsonObject:
    """`FolderName` is not returned for inbox and sent."""
    found = book.received_between(folder, now_ms)
    places = found.places(0, len(found), newest_first=False)
    summary: JsonObject = {"FolderID": folder, "FolderName": CUSTOM_FOLDERS.get(folder)}
    return summary | {
        "NewMessageCount": sum(book.read_ms[n] > now_ms for n in places),
        "TotalMessageCount": len(places),
    }
