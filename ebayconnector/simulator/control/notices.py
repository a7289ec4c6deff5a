"""Control API: notices, good and bad ones, and the keys that sign them."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ebayconnector.simulator.callers import world_of
from ebayconnector.simulator.control.body import BadControlCall, Fields, json_fields
from ebayconnector.simulator.json_types import JsonObject
from ebayconnector.simulator.notice_bodies import DAMAGES, Notice, letter, new_notification_id
from ebayconnector.simulator.notice_book import DELETION, REVOCATION, TOPICS
from ebayconnector.simulator.notice_sender import deliver
from ebayconnector.simulator.responses import json_response
from ebayconnector.simulator.times import iso
from ebayconnector.simulator.world import World

_WHAT = ("topic", "seller", "user", "data", "notification_id", "event_date", "damage", "reason")


def state_of_notices(world: World) -> JsonObject:
    book = world.notices
    return {
        "refuse_local": book.refuse_local,
        "retry_s": book.retry_s,
        "keys": [key.kid for key in book.keys.keys],
        "alert_emails": book.alert_emails,
        "destinations": [one.as_json() for one in book.destinations.values()],
        "subscriptions": [one.as_json() for one in book.subscriptions.values()],
        "deliveries": [one.as_json() for one in book.deliveries],
    }


async def show(request: Request) -> Response:
    return json_response(state_of_notices(world_of(request)))


async def change_settings(request: Request) -> Response:
    world = world_of(request)
    fields = await json_fields(request, "refuse_local", "retry_s", "destination_status")
    status = fields.maybe_text("destination_status", ("ENABLED", "DISABLED", "MARKED_DOWN"))
    book = world.notices
    book.refuse_local = fields.flag("refuse_local", book.refuse_local)
    book.retry_s = fields.number("retry_s", book.retry_s, least=0)
    for destination in book.destinations.values():
        destination.status = status or destination.status
    return json_response(state_of_notices(world))


def _notice(world: World, fields: Fields) -> Notice:
    topic = fields.maybe_text("topic", TOPICS) or DELETION
    now_ms = world.clock.now_ms()
    event_ms = fields.maybe_time("event_date")
    event_ms = now_ms if event_ms is None else event_ms
    return Notice(
        topic=topic,
        data=_data(world, fields, topic, event_ms),
        notification_id=fields.maybe_text("notification_id") or new_notification_id(),
        event_ms=event_ms,
        damage=fields.maybe_text("damage", DAMAGES) or "",
    )


def _data(world: World, fields: Fields, topic: str, event_ms: int) -> JsonObject:
    """`data` as it is; else of `seller`, or of the `user` that is described."""
    if "data" in fields:
        return fields.object("data")
    user = fields.object("user")
    if "seller" in fields:
        seller = fields.seller(world)
        user = {"username": seller.username, "userId": seller.user_id, "eiasToken": seller.eias_token}
    if topic == REVOCATION:
        reason = fields.maybe_text("reason") or "REVOKED_BY_USER"
        return user | {"revokeReason": reason, "revocationDate": iso(event_ms)}
    return user


async def send(request: Request) -> Response:
    """Sends to the destinations that are subscribed, or to `endpoint`; answers when all is delivered."""
    world = world_of(request)
    fields = await json_fields(request, *_WHAT, "endpoint")
    notice, endpoint = _notice(world, fields), fields.maybe_text("endpoint")
    addresses = [endpoint] if endpoint else world.notices.addresses(notice.topic)
    if not addresses:
        raise BadControlCall(f"nobody is subscribed to {notice.topic}, and no endpoint is given")
    deliveries = [(await deliver(world, notice, address)).as_json() for address in addresses]
    return json_response({"deliveries": deliveries})


async def compose(request: Request) -> Response:
    """The notice as it would be sent: `headers`, and `body` as text."""
    world = world_of(request)
    fields = await json_fields(request, *_WHAT, "attempt")
    notice, attempt = _notice(world, fields), fields.whole("attempt", 1, least=1)
    written = letter(notice, world.notices.keys, now_ms=world.clock.now_ms(), attempt=attempt)
    return json_response({"headers": written.headers, "body": written.body.decode()})


async def rotate_key(request: Request) -> Response:
    """A new key signs from now on; `forget` takes the old ones away."""
    world = world_of(request)
    forget = (await json_fields(request, "forget")).flag("forget", False)
    return json_response({"kid": world.notices.keys.rotate(forget=forget).kid})


routes = [
    Route("/_sim/notices", show, methods=["GET"]),
    Route("/_sim/notices", send, methods=["POST"]),
    Route("/_sim/notices/settings", change_settings, methods=["POST"]),
    Route("/_sim/notices/compose", compose, methods=["POST"]),
    Route("/_sim/notices/rotate_key", rotate_key, methods=["POST"]),
]
