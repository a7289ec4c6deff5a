"""Notification API: alert e-mail, topics, destinations, subscriptions, keys (03 §10)."""

import ipaddress
import json
import re
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ebayconnector.simulator.callers import authorize_application, world_of
from ebayconnector.simulator.ebay_errors import EbayError, rest_body
from ebayconnector.simulator.json_types import JsonObject
from ebayconnector.simulator.notice_bodies import Notice, new_notification_id
from ebayconnector.simulator.notice_book import (
    SCHEMA_VERSION,
    TOPICS,
    Destination,
    NoticeBook,
    Subscription,
    new_id,
)
from ebayconnector.simulator.notice_sender import deliver_in_background, passes_challenge
from ebayconnector.simulator.responses import json_response
from ebayconnector.simulator.scopes import BASE

PATH = "/commerce/notification/v1"

_TEXTS = {
    195001: (404, "The specified key id is invalid."),
    195002: (404, "Invalid or missing topic id."),
    195003: (409, "Please provide configurations required for notifications. Refer to /config"),
    195004: (400, "Invalid limit. Supported ranges 10 - 100."),
    195005: (400, "Invalid continuation token."),
    195006: (400, "Invalid or missing subscription status."),
    195007: (400, "Invalid or missing destination id."),
    195008: (400, "Invalid or missing payload."),
    195011: (403, "Not authorized for this topic."),
    195012: (409, "Subscription already exists"),
    195013: (404, "Invalid subscription Id."),
    195016: (400, "Invalid name. Markups or lengths greater than 64 not supported"),
    195017: (400, "Invalid or missing endpoint."),
    195018: (400, "Invalid or missing destination status."),
    195019: (400, "Invalid or missing verification token."),
    195020: (409, "Challenge verification failed for requested endpoint"),
    195021: (409, "Destination exists for this endpoint."),
    195022: (404, "Invalid or missing destination id."),
    195024: (409, "Destination is in use and cannot be deleted."),
    195025: (400, "Invalid or missing email."),
    195026: (404, "Configuration Not Found."),
}
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{32,80}", re.ASCII)
_STATUSES = ("ENABLED", "DISABLED")
_TEST_USER = {"username": "test_user", "userId": "ma8vp1jySJC", "eiasToken": "nY+sHZ2PrBmdj6wVnY+sEQ=="}


def _error(error_id: int) -> EbayError:
    status, text = _TEXTS[error_id]
    return EbayError(status, rest_body(error_id, text, domain="API_NOTIFICATION"))


def _open(request: Request) -> tuple[NoticeBook, str]:
    """The book and the calling application's client id."""
    application = authorize_application(request, api="notification", any_of=frozenset({BASE}))
    return world_of(request).notices, application.client_id


async def _payload(request: Request) -> JsonObject:
    try:
        payload = json.loads(await request.body())
    except ValueError:
        payload = None
    if not isinstance(payload, dict):
        raise EbayError(400, rest_body(2004, "Invalid request"))
    return payload


def _created(request: Request, identifier: str) -> Response:
    return Response(status_code=201, headers={"Location": f"{request.url.replace(query='')}/{identifier}"})


def _page(request: Request, name: str, rows: list[JsonObject]) -> Response:
    """`limit` 10 to 100, 20 by default, and a continuation token that is the place of the next row."""
    limit_text = request.query_params.get("limit", "20")
    limit = int(limit_text) if re.fullmatch(r"[0-9]{1,3}", limit_text) else 0
    if not 10 <= limit <= 100:
        raise _error(195004)
    token = request.query_params.get("continuation_token", "0")
    start = int(token) if re.fullmatch(r"[0-9]{1,6}", token) else -1
    if start < 0 or start > len(rows):
        raise _error(195005)
    here = f"{str(request.url).partition('?')[0]}?limit={limit}"
    body: JsonObject = {"total": len(rows), "href": here, "limit": limit, name: rows[start : start + limit]}
    if start + limit < len(rows):
        body["next"] = f"{here}&continuation_token={start + limit}"
    return json_response(body)


# -- config, topics, keys ----------------------------------------------------------------------------------


async def get_config(request: Request) -> Response:
    book, client_id = _open(request)
    if client_id not in book.alert_emails:
        raise _error(195026)
    return json_response({"alertEmail": book.alert_emails[client_id]})


async def put_config(request: Request) -> Response:
    book, client_id = _open(request)
    email = (await _payload(request)).get("alertEmail")
    if not isinstance(email, str) or not _EMAIL.fullmatch(email):
        raise _error(195025)
    book.alert_emails[client_id] = email
    return Response(status_code=204)


def _topic(topic_id: str) -> JsonObject:
    payload = {"format": ["JSON"], "schemaVersion": SCHEMA_VERSION, "deliveryProtocol": "HTTPS"}
    return {
        "topicId": topic_id,
        "description": topic_id.replace("_", " ").capitalize(),
        "authorizationScopes": [BASE],
        "status": "ENABLED",
        "context": "BUY_APPLICATION" if TOPICS[topic_id] == "APPLICATION" else "SELLER",
        "scope": TOPICS[topic_id],
        "supportedPayloads": [payload | {"deprecated": False}],
        "filterable": False,
    }


async def get_topics(request: Request) -> Response:
    _open(request)
    return _page(request, "topics", [_topic(topic_id) for topic_id in TOPICS])


async def get_topic(request: Request) -> Response:
    _open(request)
    topic_id = request.path_params["topic_id"]
    if topic_id not in TOPICS:
        raise _error(195002)
    return json_response(_topic(topic_id))


async def get_public_key(request: Request) -> Response:
    book, _ = _open(request)
    key = book.keys.named(request.path_params["key_id"])
    if key is None:
        raise _error(195001)
    return json_response(key.as_json())


# -- destinations ------------------------------------------------------------------------------------------


async def get_destinations(request: Request) -> Response:
    book, client_id = _open(request)
    return _page(request, "destinations", [one.as_json() for one in book.destinations_of(client_id)])


async def post_destination(request: Request) -> Response:
    book, client_id = _open(request)
    wanted = await _wanted_destination(request, book, client_id, None)
    book.destinations[wanted.destination_id] = wanted
    return _created(request, wanted.destination_id)


async def put_destination(request: Request) -> Response:
    book, client_id = _open(request)
    old = _destination(request, book, client_id)
    wanted = await _wanted_destination(request, book, client_id, old)
    book.destinations[old.destination_id] = wanted
    return Response(status_code=204)


async def get_destination(request: Request) -> Response:
    return json_response(_destination(request, *_open(request)).as_json())


async def delete_destination(request: Request) -> Response:
    book, client_id = _open(request)
    old = _destination(request, book, client_id)
    if any(one.destination_id == old.destination_id for one in book.subscriptions.values()):
        raise _error(195024)
    del book.destinations[old.destination_id]
    return Response(status_code=204)


def _destination(request: Request, book: NoticeBook, client_id: str) -> Destination:
    found = book.destinations.get(request.path_params["destination_id"])
    if found is None or found.client_id != client_id:
        raise _error(195022)
    return found


async def _wanted_destination(
    request: Request, book: NoticeBook, client_id: str, old: Destination | None
) -> Destination:
    """The destination that is asked for, checked, its challenge passed."""
    if client_id not in book.alert_emails:
        raise _error(195003)
    payload = await _payload(request)
    delivery = payload.get("deliveryConfig")
    delivery = delivery if isinstance(delivery, dict) else {}
    name, status = payload.get("name"), payload.get("status")
    endpoint, token = delivery.get("endpoint"), delivery.get("verificationToken")
    if not isinstance(name, str) or not 0 < len(name) <= 64 or "<" in name:
        raise _error(195016)
    if status not in _STATUSES:
        raise _error(195018)
    if not isinstance(endpoint, str) or not _is_address(endpoint, refuse_local=book.refuse_local):
        raise _error(195017)
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise _error(195019)
    if any(one.endpoint == endpoint and one is not old for one in book.destinations_of(client_id)):
        raise _error(195021)
    if not await passes_challenge(endpoint, token):
        raise _error(195020)
    return Destination(old.destination_id if old else new_id(), client_id, name, status, endpoint, token)


def _is_address(endpoint: str, *, refuse_local: bool) -> bool:
    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return False
    return not refuse_local or (parts.scheme == "https" and not _is_local(parts.hostname))


def _is_local(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host == "localhost" or "." not in host


# -- subscriptions -----------------------------------------------------------------------------------------


async def get_subscriptions(request: Request) -> Response:
    book, client_id = _open(request)
    return _page(request, "subscriptions", [one.as_json() for one in book.subscriptions_of(client_id)])


async def post_subscription(request: Request) -> Response:
    book, client_id = _open(request)
    payload = await _payload(request)
    topic_id = payload.get("topicId")
    if topic_id not in TOPICS:
        raise _error(195002)
    if TOPICS[topic_id] != "APPLICATION":
        raise _error(195011)
    changes = _wanted_subscription(payload, book, client_id)
    if any(one.topic_id == topic_id for one in book.subscriptions_of(client_id)):
        raise _error(195012)
    now_ms = world_of(request).clock.now_ms()
    created = Subscription(
        subscription_id=new_id(), client_id=client_id, topic_id=topic_id, created_ms=now_ms, **changes
    )
    book.subscriptions[created.subscription_id] = created
    return _created(request, created.subscription_id)


async def put_subscription(request: Request) -> Response:
    book, client_id = _open(request)
    found = _subscription(request, book, client_id)
    for name, value in _wanted_subscription(await _payload(request), book, client_id).items():
        setattr(found, name, value)
    return Response(status_code=204)


async def get_subscription(request: Request) -> Response:
    return json_response(_subscription(request, *_open(request)).as_json())


async def delete_subscription(request: Request) -> Response:
    book, client_id = _open(request)
    del book.subscriptions[_subscription(request, book, client_id).subscription_id]
    return Response(status_code=204)


async def switch_subscription(request: Request) -> Response:
    found = _subscription(request, *_open(request))
    found.status = "ENABLED" if request.url.path.endswith("/enable") else "DISABLED"
    return Response(status_code=204)


async def send_test(request: Request) -> Response:
    """202 at once; the test notice follows by itself."""
    world = world_of(request)
    book, client_id = _open(request)
    found = _subscription(request, book, client_id)
    notice = Notice(found.topic_id, dict(_TEST_USER), new_notification_id(), world.clock.now_ms())
    deliver_in_background(world, notice, book.destinations[found.destination_id].endpoint)
    return Response(status_code=202)


def _subscription(request: Request, book: NoticeBook, client_id: str) -> Subscription:
    found = book.subscriptions.get(request.path_params["subscription_id"])
    if found is None or found.client_id != client_id:
        raise _error(195013)
    return found


def _wanted_subscription(payload: JsonObject, book: NoticeBook, client_id: str) -> dict[str, Any]:
    if payload.get("status") not in _STATUSES:
        raise _error(195006)
    destination = book.destinations.get(str(payload.get("destinationId")))
    if destination is None or destination.client_id != client_id:
        raise _error(195007)
    asked = payload.get("payload")
    wanted = {"format": "JSON", "schemaVersion": SCHEMA_VERSION, "deliveryProtocol": "HTTPS"}
    if asked != wanted:
        raise _error(195008)
    return {"status": payload["status"], "destination_id": destination.destination_id, "payload": asked}


_ONE_DESTINATION = f"{PATH}/destination/{{destination_id}}"
_ONE_SUBSCRIPTION = f"{PATH}/subscription/{{subscription_id}}"

routes = [
    Route(f"{PATH}/config", get_config, methods=["GET"]),
    Route(f"{PATH}/config", put_config, methods=["PUT"]),
    Route(f"{PATH}/topic", get_topics, methods=["GET"]),
    Route(f"{PATH}/topic/{{topic_id}}", get_topic, methods=["GET"]),
    Route(f"{PATH}/public_key/{{key_id}}", get_public_key, methods=["GET"]),
    Route(f"{PATH}/destination", get_destinations, methods=["GET"]),
    Route(f"{PATH}/destination", post_destination, methods=["POST"]),
    Route(_ONE_DESTINATION, get_destination, methods=["GET"]),
    Route(_ONE_DESTINATION, put_destination, methods=["PUT"]),
    Route(_ONE_DESTINATION, delete_destination, methods=["DELETE"]),
    Route(f"{PATH}/subscription", get_subscriptions, methods=["GET"]),
    Route(f"{PATH}/subscription", post_subscription, methods=["POST"]),
    Route(_ONE_SUBSCRIPTION, get_subscription, methods=["GET"]),
    Route(_ONE_SUBSCRIPTION, put_subscription, methods=["PUT"]),
    Route(_ONE_SUBSCRIPTION, delete_subscription, methods=["DELETE"]),
    Route(f"{_ONE_SUBSCRIPTION}/enable", switch_subscription, methods=["POST"]),
    Route(f"{_ONE_SUBSCRIPTION}/disable", switch_subscription, methods=["POST"]),
    Route(f"{_ONE_SUBSCRIPTION}/test", send_test, methods=["POST"]),
]
