"""A minute before the moment: token, item, price, own bids, and the requests as bytes (runs in a thread)."""

from __future__ import annotations

import logging
import socket
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ebayconnector.ebay.bidding import Bidding, get_bidding
from ebayconnector.ebay.errors import EbayError
from ebayconnector.ebay.items import Item, get_item
from ebayconnector.ebay.money import Money
from ebayconnector.ebay.prepared import PreparedCall, prepare_bid, prepare_bidding_read
from sniper.claims.schedule import Row
from sniper.models import Snipe, SnipeEvent, SnipeReason, SnipeStatus, TokenKind
from sniper.services.plan import own_seller
from tokens import wire
from tokens.quotas import Lane
from tokens.services.clients import application_client_for, client_for
from tokens.services.refresh import TokenUnavailable, get_access_token

from .watch import Armed

logger = logging.getLogger(__name__)

TOKEN_LIVES = timedelta(minutes=5)
_TOKEN_WAIT_S = 10.0
_CALL_WITHIN_S = 5.0
# The other executor's reading is as good as ours.
_FRESH = timedelta(seconds=12)


@dataclass(frozen=True, slots=True)
class Arming:
    """What came of it: `armed`, or a `trouble` that may pass, or the end of the snipe (`over`, its reason).

    `end_time` and `fire_at` are set when the auction's end has moved.
    """

    armed: Armed | None = None
    trouble: str = ""
    over: str = ""
    message: str = ""
    end_time: datetime | None = None
    fire_at: datetime | None = None
    changed: bool = False


def arm(row: Row, *, ebay_now: datetime) -> Arming:
    """Look at everything once more. A view of the item or of own bids that fails keeps nothing back:
    only a token does."""
    snipe = _begin(row)
    if snipe is None:
        return Arming(changed=True)
    try:
        token = get_access_token(row.account_id, min_ttl=TOKEN_LIVES, wait_s=_TOKEN_WAIT_S)
    except TokenUnavailable as failure:
        return _troubled(snipe, SnipeReason.TOKEN, f"no access token: {failure}", TokenKind.USER)
    if row.status in (SnipeStatus.SCHEDULED, SnipeStatus.ARMING):
        verdict = _look(snipe, ebay_now)
        if verdict is not None:
            return verdict
    try:
        armed = _armed(row, token)
    except (OSError, ValueError) as failure:
        return _troubled(snipe, SnipeReason.EBAY_UNREACHABLE, f"not prepared: {failure}", TokenKind.USER)
    if snipe.armed_at is None:
        _note_armed(snipe, ebay_now)
    return Arming(armed=armed)


def _begin(row: Row) -> Snipe | None:
    """The snipe, `arming` from now on, so that nobody edits it; None when it is not as we know it."""
    Snipe.objects.filter(pk=row.id, status=SnipeStatus.SCHEDULED, fire_at=row.fire_at).update(
        status=SnipeStatus.ARMING
    )
    snipe = Snipe.objects.select_related("account").filter(pk=row.id, fire_at=row.fire_at).first()
    if snipe is None or not snipe.is_live or snipe.max_bid_amount != row.maximum:
        return None
    return snipe


def _look(snipe: Snipe, ebay_now: datetime) -> Arming | None:
    """What eBay shows of the item and of our own bids; None when nothing speaks against the bid."""
    item = _item(snipe, ebay_now)
    if item is not None:
        verdict = _from_item(snipe, item, ebay_now)
        if verdict is not None:
            return verdict
    bidding = _own_bidding(snipe)
    own = bidding.own_maximum if bidding is not None else None
    if bidding is not None and own is not None and bidding.holds(Money(snipe.max_bid_amount, snipe.currency)):
        return Arming(over=SnipeReason.OWN_BID_STANDS, message=f"the account's own maximum is {own} already")
    return None


def _item(snipe: Snipe, ebay_now: datetime) -> Item | None:
    """The item as Browse shows it; None when somebody has just looked, or eBay does not show it now."""
    if snipe.armed_at and snipe.price_read_at and abs(ebay_now - snipe.price_read_at) < _FRESH:
        return None
    account = snipe.account
    try:
        client = application_client_for(
            account.environment, source="sniper", marketplace_id=snipe.marketplace_id, lane=Lane.FIRST
        )
        item = get_item(client.trying(1), snipe.item_id)
    except (EbayError, TokenUnavailable, wire.ApplicationNotConfigured) as failure:
        _log_error(snipe, f"the item was not read again: {failure}", "getItemByLegacyId", failure)
        return None
    price = item.current_price.value if item.current_price else snipe.current_price
    Snipe.objects.filter(pk=snipe.pk).update(current_price=price, price_read_at=ebay_now)
    return item


def _from_item(snipe: Snipe, item: Item, ebay_now: datetime) -> Arming | None:
    seller = own_seller(snipe.account.organization_id, snipe.account.environment, item.seller)
    if seller:
        return Arming(over=SnipeReason.OWN_SELLER, message=f"{seller} of the same organisation sells it")
    if item.ends_at is not None and item.ends_at <= ebay_now:
        return Arming(
            over=SnipeReason.ENDED_EARLY, message=f"the auction ended at {item.ends_at:%H:%M:%S} UTC"
        )
    if item.ends_at is not None and item.ends_at != snipe.end_time:
        return _moved(snipe, item.ends_at)
    price = item.minimum_bid or (item.current_price if item.bid_count else None)
    if price is None or price.currency != snipe.currency:
        return None
    beaten = price.value > snipe.max_bid_amount or (
        item.minimum_bid is None and price.value >= snipe.max_bid_amount
    )
    if not beaten:
        return None
    return Arming(over=SnipeReason.PRICE_ABOVE_MAXIMUM, message=f"eBay takes no bid below {price} any more")


def _moved(snipe: Snipe, end_time: datetime) -> Arming:
    """The auction ends at another time than we knew: everything follows it."""
    fire_at = end_time - timedelta(seconds=snipe.seconds_before_end)
    waiting = Snipe.objects.filter(pk=snipe.pk, fire_at=snipe.fire_at)
    moved = waiting.filter(status__in=(SnipeStatus.SCHEDULED, SnipeStatus.ARMING)).update(
        end_time=end_time, fire_at=fire_at, status=SnipeStatus.SCHEDULED, armed_at=None
    )
    if moved:
        SnipeEvent.objects.create(
            snipe=snipe, event_type="end_moved", status=SnipeStatus.SCHEDULED, endpoint="getItemByLegacyId",
            token_kind=TokenKind.APPLICATION, message=f"the auction ends at {end_time.isoformat()} now",
        )  # fmt: skip
    return Arming(end_time=end_time, fire_at=fire_at)


def _own_bidding(snipe: Snipe) -> Bidding | None:
    """What eBay knows of our own bids; None when it knows none, or does not say."""
    client = client_for(snipe.account, source="sniper", lane=Lane.FIRST).trying(1)
    client.marketplace_id = snipe.marketplace_id
    try:
        return get_bidding(client, snipe.rest_item_id, deadline_s=_CALL_WITHIN_S)
    except (EbayError, TokenUnavailable) as failure:
        _log_error(snipe, f"own bids were not read: {failure}", "getBidding", failure)
        return None


def _armed(row: Row, token: str) -> Armed:
    """Raises OSError when eBay's name is not found, ValueError when something cannot stand in a request."""
    bid, read = _requests(row, token)
    return Armed(
        maximum=row.maximum, token=token, bid=bid.request, read=read.request,
        addresses=resolve(bid.host, bid.port), tls_name=bid.host if bid.tls else "",
    )  # fmt: skip


def with_token(armed: Armed, row: Row, token: str) -> Armed:
    """The same requests with another token. ValueError for one that cannot stand in a request."""
    bid, read = _requests(row, token)
    return replace(armed, token=token, bid=bid.request, read=read.request)


def _requests(row: Row, token: str) -> tuple[PreparedCall, PreparedCall]:
    """The bid, and the reading of how it stands."""
    environment = wire.environment(row.environment)
    shared = {"access_token": token, "item_id": row.rest_item_id, "marketplace_id": row.marketplace_id}
    maximum = Money(row.maximum, row.currency)
    bid = prepare_bid(environment, maximum=maximum, adult_consent=row.adult_only, **shared)
    return bid, prepare_bidding_read(environment, **shared)


def resolve(host: str, port: int) -> tuple[tuple[int, str, int], ...]:
    """(family, address, port) of a host name. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple((int(family), str(address[0]), port) for family, _, _, _, address in found)


def _note_armed(snipe: Snipe, ebay_now: datetime) -> None:
    first = Snipe.objects.filter(pk=snipe.pk, armed_at=None, status=SnipeStatus.ARMING)
    if first.update(armed_at=ebay_now, trouble="", trouble_message=""):
        SnipeEvent.objects.create(
            snipe=snipe, event_type="armed", status=SnipeStatus.ARMING, token_kind=TokenKind.USER,
            message=f"token, item and price looked at; price {snipe.current_price} {snipe.currency}",
        )  # fmt: skip


def _troubled(snipe: Snipe, reason: str, message: str, kind: str) -> Arming:
    """Kept on the row, told in the log once for each cause."""
    if snipe.trouble_message != message[:500]:
        Snipe.objects.filter(pk=snipe.pk).update(trouble=reason, trouble_message=message[:500])
        SnipeEvent.objects.create(
            snipe=snipe, event_type="arming_error", status=snipe.status, message=message, token_kind=kind
        )
    return Arming(trouble=reason, message=message)


def _log_error(snipe: Snipe, message: str, endpoint: str, failure: Exception) -> None:
    kind = TokenKind.USER if endpoint == "getBidding" else TokenKind.APPLICATION
    SnipeEvent.objects.create(
        snipe=snipe, event_type="arming_error", status=snipe.status, message=message, endpoint=endpoint,
        token_kind=kind, http_status=getattr(failure, "status", None),
        correlation_id=getattr(failure, "request_id", None) or "",
    )  # fmt: skip
