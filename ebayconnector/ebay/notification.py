"""Commerce Notification: where eBay sends notices, which ones, and with which keys they are signed (03 §10).

The client must speak as the application.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from .answers import Answer
from .client import EbayClient
from .endpoints import (
    CREATE_DESTINATION,
    CREATE_SUBSCRIPTION,
    GET_DESTINATIONS,
    GET_NOTIFICATION_CONFIG,
    GET_NOTIFICATION_KEY,
    GET_SUBSCRIPTIONS,
    GET_TOPICS,
    TEST_SUBSCRIPTION,
    UPDATE_DESTINATION,
    UPDATE_NOTIFICATION_CONFIG,
    UPDATE_SUBSCRIPTION,
    Endpoint,
)
from .errors import NotFound
from .notice_signatures import NoticeKey, UnusableNoticeKey, notice_key

ENABLED = "ENABLED"
_PAGE = "100"
# Lists here are short; a `next` that leads in a circle must not go on for ever.
_MOST_PAGES = 50


@dataclass(frozen=True, slots=True)
class Topic:
    """`scope` APPLICATION or USER; `schema_versions` of its JSON payloads, those not deprecated."""

    topic_id: str
    scope: str
    status: str
    schema_versions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Destination:
    """Where notices go. `status`: ENABLED, DISABLED, or MARKED_DOWN by eBay when it could not deliver."""

    destination_id: str
    name: str
    status: str
    endpoint: str
    verification_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Subscription:
    subscription_id: str
    topic_id: str
    status: str
    destination_id: str


def alert_email(client: EbayClient) -> str:
    """Whom eBay tells about notices that do not arrive; '' when nobody is set (404/195026)."""
    try:
        answer = client.call(GET_NOTIFICATION_CONFIG)
    except NotFound:
        return ""
    return _text(answer.json(), "alertEmail")


def set_alert_email(client: EbayClient, email: str) -> None:
    """Must be set before a destination is made (409/195003)."""
    client.call(UPDATE_NOTIFICATION_CONFIG, json={"alertEmail": email})


def topics(client: EbayClient) -> list[Topic]:
    """All that eBay offers; what it can send differs over time (03 §10.4)."""
    return [
        Topic(
            topic_id=_text(entry, "topicId"),
            scope=_text(entry, "scope"),
            status=_text(entry, "status"),
            schema_versions=tuple(_schema_versions(entry)),
        )
        for entry in _listed(client, GET_TOPICS, "topics")
    ]


def destinations(client: EbayClient) -> list[Destination]:
    return [
        Destination(
            destination_id=_text(entry, "destinationId"),
            name=_text(entry, "name"),
            status=_text(entry, "status"),
            endpoint=_text(_delivery(entry), "endpoint"),
            verification_token=_text(_delivery(entry), "verificationToken"),
        )
        for entry in _listed(client, GET_DESTINATIONS, "destinations")
    ]


def create_destination(client: EbayClient, *, name: str, endpoint: str, verification_token: str) -> str:
    """Make a destination; returns its id. eBay asks the endpoint its challenge during this call.

    409: 195003 without an alert e-mail, 195020 the challenge failed, 195021 it exists. Sent once.
    """
    answer = client.call(CREATE_DESTINATION, json=_destination(name, endpoint, verification_token))
    return _created_id(answer)


def update_destination(
    client: EbayClient, destination_id: str, *, name: str, endpoint: str, verification_token: str
) -> None:
    """Name, address and token anew, and ENABLED; eBay asks the challenge again."""
    client.call(
        UPDATE_DESTINATION,
        path={"destination_id": destination_id},
        json=_destination(name, endpoint, verification_token),
    )


def subscriptions(client: EbayClient) -> list[Subscription]:
    return [
        Subscription(
            subscription_id=_text(entry, "subscriptionId"),
            topic_id=_text(entry, "topicId"),
            status=_text(entry, "status"),
            destination_id=_text(entry, "destinationId"),
        )
        for entry in _listed(client, GET_SUBSCRIPTIONS, "subscriptions")
    ]


def create_subscription(
    client: EbayClient, *, topic_id: str, destination_id: str, schema_version: str
) -> str:
    """Subscribe to a topic; returns the id. 403/195011 not allowed, 409/195012 it exists. Sent once."""
    body = _subscription(destination_id, schema_version) | {"topicId": topic_id}
    return _created_id(client.call(CREATE_SUBSCRIPTION, json=body))


def update_subscription(
    client: EbayClient, subscription_id: str, *, destination_id: str, schema_version: str
) -> None:
    """Lead it to the destination and enable it."""
    client.call(
        UPDATE_SUBSCRIPTION,
        path={"subscription_id": subscription_id},
        json=_subscription(destination_id, schema_version),
    )


def ask_for_test(client: EbayClient, subscription_id: str) -> None:
    """Let eBay send a test notice; 202 says only that it will."""
    client.call(TEST_SUBSCRIPTION, path={"subscription_id": subscription_id})


def public_key(client: EbayClient, key_id: str) -> NoticeKey:
    """The key that signs notices. NotFound (404/195001) for an unknown one, BadAnswer for one of no use."""
    answer = client.call(GET_NOTIFICATION_KEY, path={"public_key_id": key_id})
    document = answer.json()
    try:
        return notice_key(
            _text(document, "key"),
            algorithm=_text(document, "algorithm"),
            digest=_text(document, "digest"),
        )
    except UnusableNoticeKey as failure:
        raise answer.bad(f"a public key that cannot be used: {failure}") from None


def _listed(client: EbayClient, endpoint: Endpoint, name: str) -> Iterator[dict[str, Any]]:
    """The objects under `name` of all pages."""
    params = {"limit": _PAGE}
    for _ in range(_MOST_PAGES):
        document = client.call(endpoint, params=params).json()
        entries = document.get(name)
        yield from (entry for entry in entries or [] if isinstance(entry, dict))
        token = _continuation(_text(document, "next"))
        if not token or token == params.get("continuation_token"):
            return
        params = {"limit": _PAGE, "continuation_token": token}


def _continuation(address: str) -> str:
    return parse_qs(urlsplit(address).query).get("continuation_token", [""])[0]


def _schema_versions(entry: dict[str, Any]) -> Iterator[str]:
    for payload in entry.get("supportedPayloads") or []:
        if not isinstance(payload, dict) or payload.get("deprecated"):
            continue
        if "JSON" in (payload.get("format") or ()):
            yield _text(payload, "schemaVersion")


def _delivery(entry: dict[str, Any]) -> dict[str, Any]:
    delivery = entry.get("deliveryConfig")
    return delivery if isinstance(delivery, dict) else {}


def _destination(name: str, endpoint: str, verification_token: str) -> dict[str, Any]:
    delivery = {"endpoint": endpoint, "verificationToken": verification_token}
    return {"name": name, "status": ENABLED, "deliveryConfig": delivery}


def _subscription(destination_id: str, schema_version: str) -> dict[str, Any]:
    payload = {"format": "JSON", "schemaVersion": schema_version, "deliveryProtocol": "HTTPS"}
    return {"destinationId": destination_id, "status": ENABLED, "payload": payload}


def _created_id(answer: Answer) -> str:
    """The last part of `Location: …/destination/{id}`."""
    created = urlsplit(answer.headers.get("Location", "")).path.rstrip("/").rpartition("/")[2]
    if not created:
        raise answer.bad("201 without a Location")
    return created


def _text(document: dict[str, Any], name: str) -> str:
    value = document.get(name)
    return value if isinstance(value, str) else ""
