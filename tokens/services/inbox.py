"""Receiving a notification from eBay: checked, stored, acknowledged; the work is a job (03 §10.2)."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from django.db import transaction
from django_q.tasks import async_task

from ebayconnector.database import fetch_one
from ebayconnector.ebay.notice_signatures import (
    BadSignatureHeader,
    UnusableNoticeKey,
    is_signed_by,
    read_signature,
)
from ebayconnector.ebay.timefmt import parse_ebay_time
from tokens import people

from .notification_keys import EnvironmentKey, KeyUnavailable, key_named

logger = logging.getLogger(__name__)

WORK = "ebayconnector.topics.work_inbox"
# How eBay's data names a user (03 §10.3).
_NAMES = ("username", "userId", "eiasToken")
_LONGEST_ID = 200
_LONGEST_TOPIC = 100


class Receipt(Enum):
    """What to answer: taken (also when it was taken before), not eBay's, or ask eBay to send it again."""

    TAKEN = 204
    REFUSED = 412
    LATER = 500


class Malformed(ValueError):
    """Signed by eBay, but nothing that we understand; the text says what is missing."""


@dataclass(frozen=True)
class Told:
    """What is kept of a notification. `people` are hashes."""

    notification_id: str
    topic: str
    people: list[bytes]
    reason: str
    event_at: datetime | None


def receive(body: bytes, signature: str) -> Receipt:
    """Store a notification that eBay signed, and leave a job for it: both or neither.

    The same one delivered again changes nothing. Nothing of it is logged.
    """
    try:
        key = _signed_by(body, signature)
    except KeyUnavailable as failure:
        logger.warning("a notification could not be checked: %s", failure)
        return Receipt.LATER
    if key is None:
        return Receipt.REFUSED
    try:
        told = read_notification(body, key.environment)
    except Malformed as failure:
        logger.error("a notification of %s that eBay signed is not understood: %s", key.environment, failure)
        return Receipt.REFUSED
    with transaction.atomic():
        is_new, others_wait = _store(told, key.environment)
        if is_new and not others_wait:
            leave_ticket()
    logger.info("notification %s topic=%s new=%s", told.notification_id, told.topic, is_new)
    return Receipt.TAKEN


def _signed_by(body: bytes, header: str) -> EnvironmentKey | None:
    """The key of eBay's that signed the body; None when none did."""
    try:
        signature = read_signature(header)
        key = key_named(signature.kid)
        if key is not None and is_signed_by(key.key, signature, body):
            return key
    except (BadSignatureHeader, UnusableNoticeKey) as failure:
        logger.warning("a notification was refused: %s", failure)
        return None
    logger.warning("a notification was refused: %s", "no such key" if key is None else "bad signature")
    return None


def read_notification(body: bytes, environment: str) -> Told:
    """What is kept of it: names become hashes here. Raises Malformed."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise Malformed("it is no JSON") from None
    metadata, notification = _object(document, "metadata"), _object(document, "notification")
    topic, notification_id = _text(metadata, "topic"), _text(notification, "notificationId")
    if not 0 < len(topic) <= _LONGEST_TOPIC:
        raise Malformed("it names no topic")
    if not 0 < len(notification_id) <= _LONGEST_ID:
        raise Malformed("it has no id")
    data = _object(notification, "data")
    names = filter(None, (_text(data, name) for name in _NAMES))
    return Told(
        notification_id=notification_id,
        topic=topic,
        people=people.person_hashes(environment, names),
        reason=_text(data, "revokeReason")[:100],
        event_at=_first_time(data.get("revocationDate"), notification.get("eventDate")),
    )


def _object(document: Any, name: str) -> Mapping[str, Any]:
    value = document.get(name) if isinstance(document, dict) else None
    return value if isinstance(value, dict) else {}


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    # What PostgreSQL cannot store was never said by eBay.
    return value.replace("\x00", "").encode(errors="replace").decode() if isinstance(value, str) else ""


def _first_time(*values: Any) -> datetime | None:
    return next(_times(values), None)


def _times(values: tuple[Any, ...]) -> Iterator[datetime]:
    for value in values:
        try:
            yield parse_ebay_time(value)
        except (ValueError, TypeError):
            continue


_STORE = """
WITH stored AS (
    INSERT INTO ebay_inbox AS i
        (notification_id, environment, topic, people, reason, event_at, deliveries, status, attempts, result,
         error)
    VALUES (%s, %s, %s, %s, %s, %s, 1, 'received', 0, '{}', '')
    ON CONFLICT (notification_id) DO UPDATE SET deliveries = i.deliveries + 1
    RETURNING xmax = 0 AS is_new
)
SELECT is_new, EXISTS (
    SELECT 1 FROM ebay_inbox WHERE status = 'received' AND next_attempt_at <= clock_timestamp()
) FROM stored
"""


def _store(told: Told, environment: str) -> tuple[bool, bool]:
    """Whether it is new, and whether others wait already, so that a ticket is there."""
    row = fetch_one(
        _STORE,
        [told.notification_id, environment, told.topic, told.people, told.reason, told.event_at],
    )
    assert row is not None, "the statement inserts or updates"
    return bool(row[0]), bool(row[1])


def leave_ticket() -> None:
    """A job that works on whatever waits in the inbox; losing or doubling one changes nothing."""
    async_task(WORK, cluster="tokens", task_name="work_inbox", save=False)
