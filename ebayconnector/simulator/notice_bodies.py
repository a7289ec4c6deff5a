"""Notices as eBay writes them, and in the ways in which a stranger or a bad line would (03 §10.2–10.4)."""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from ebayconnector.simulator.json_types import JsonObject
from ebayconnector.simulator.notice_book import SCHEMA_VERSION
from ebayconnector.simulator.notice_keys import NoticeKeys, new_key, signature_header
from ebayconnector.simulator.responses import json_bytes
from ebayconnector.simulator.times import iso

_HUGE = 3 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Notice:
    """What is to be told; `damage` names what is wrong with it, '' when nothing is."""

    topic: str
    data: JsonObject
    notification_id: str
    event_ms: int
    damage: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """What goes over the wire."""

    headers: dict[str, str]
    body: bytes


def new_notification_id() -> str:
    return f"{uuid.uuid4()}_{uuid.uuid4()}"


def letter(notice: Notice, keys: NoticeKeys, *, now_ms: int, attempt: int) -> Letter:
    """One attempt to deliver: `publishAttemptCount` and so the signature differ from attempt to attempt."""
    body = _body(notice, now_ms, attempt)
    sound = Letter(_headers(signature_header(keys.newest, body)), body)
    return DAMAGES[notice.damage](sound, keys) if notice.damage else sound


def _body(notice: Notice, now_ms: int, attempt: int) -> bytes:
    return json_bytes(
        {
            "metadata": {"topic": notice.topic, "schemaVersion": SCHEMA_VERSION, "deprecated": False},
            "notification": {
                "notificationId": notice.notification_id,
                "eventDate": iso(notice.event_ms),
                "publishDate": iso(now_ms),
                "publishAttemptCount": attempt,
                "data": notice.data,
            },
        }
    )


def _headers(signature: str) -> dict[str, str]:
    return {"Content-Type": "application/json", "X-EBAY-SIGNATURE": signature}


def _signed_as(**changes: str) -> Callable[[Letter, NoticeKeys], Letter]:
    def damage(sound: Letter, keys: NoticeKeys) -> Letter:
        return Letter(_headers(signature_header(keys.newest, sound.body, **changes)), sound.body)

    return damage


def _other_body(make: Callable[[bytes], bytes], *, signed: bool) -> Callable[[Letter, NoticeKeys], Letter]:
    def damage(sound: Letter, keys: NoticeKeys) -> Letter:
        body = make(sound.body)
        headers = _headers(signature_header(keys.newest, body)) if signed else sound.headers
        return Letter(headers, body)

    return damage


def _by_a_stranger(sound: Letter, keys: NoticeKeys) -> Letter:
    """Signed with a key that is not eBay's, under the id of one that is."""
    header = signature_header(new_key(), sound.body, kid=keys.newest.kid)
    return Letter(_headers(header), sound.body)


def _unknown_kid(sound: Letter, keys: NoticeKeys) -> Letter:
    return Letter(_headers(signature_header(new_key(), sound.body)), sound.body)


def _altered(body: bytes) -> bytes:
    return body.replace(b'"eventDate"', b'"eventdate"')


def _spaced(body: bytes) -> bytes:
    """The same JSON, written anew by something on the way: eBay's SDK takes it."""
    return json.dumps(json.loads(body), ensure_ascii=False, indent=1).encode()


def _huge(body: bytes) -> bytes:
    return body[:-1] + b',"padding":"' + b"x" * _HUGE + b'"}'


def _unsigned(sound: Letter, keys: NoticeKeys) -> Letter:
    return Letter({"Content-Type": "application/json"}, sound.body)


DAMAGES: dict[str, Callable[[Letter, NoticeKeys], Letter]] = {
    "signature": _by_a_stranger,
    "unsigned": _unsigned,
    "unknown_kid": _unknown_kid,
    "path_kid": _signed_as(kid="../../../sell/fulfillment/v1/order"),
    "digest": _signed_as(digest="SHA256"),
    "alg": _signed_as(alg="none"),
    "altered": _other_body(_altered, signed=False),
    "spaced": _other_body(_spaced, signed=False),
    "huge": _other_body(_huge, signed=True),
    "not_json": _other_body(lambda body: b"this is no JSON", signed=True),
    "not_an_object": _other_body(lambda body: b"[1,2]", signed=True),
    "no_data": _other_body(lambda body: b'{"metadata":{"topic":"ITEM_AVAILABILITY"}}', signed=True),
}
