"""eBay's public keys for notifications, kept for an hour and shared by all processes (03 §10.2).

An unknown key id costs at most one call, however many processes meet it at once; one that eBay does not know
either costs none for a day. Made-up ids cannot use up the quota: only a few unknown ones are asked for in ten
minutes.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings

from ebayconnector.database import execute, fetch_one
from ebayconnector.ebay.errors import EbayError, NotFound
from ebayconnector.ebay.notice_signatures import NoticeKey
from ebayconnector.ebay.notification import public_key
from tokens.wire import ApplicationNotConfigured

from .clients import application_client_for
from .refresh import TokenUnavailable

logger = logging.getLogger(__name__)

KEPT = timedelta(hours=1)
UNKNOWN_KEPT = timedelta(days=1)
MOST_UNKNOWN = 10
_UNKNOWN_WITHIN = timedelta(minutes=10)
_LEASE = timedelta(seconds=30)
_POLL_S = 0.1
_WAIT_S = 5.0


class KeyUnavailable(Exception):
    """Whether eBay has this key is not known now: it should send the notification again."""


@dataclass(frozen=True)
class EnvironmentKey:
    """A key, and the environment whose notifications it signs."""

    environment: str
    key: NoticeKey


def key_named(kid: str) -> EnvironmentKey | None:
    """The key of this id (a UUID); None when eBay has none. Raises KeyUnavailable.

    eBay is asked by at most one process at a time; the others wait up to 5 s for its outcome.
    """
    deadline = time.monotonic() + _WAIT_S
    while True:
        row = fetch_one(
            "SELECT environment, public_key, good_until > clock_timestamp() FROM ebay_notification_keys "
            "WHERE kid = %s",
            [kid],
        )
        if row is not None and row[2]:
            return EnvironmentKey(row[0], NoticeKey(bytes(row[1]))) if row[1] is not None else None
        if _claim(kid, known=row is not None):
            return _fetch(kid)
        if time.monotonic() >= deadline:
            raise KeyUnavailable("another process is asking eBay for it")
        time.sleep(_POLL_S)


def _claim(kid: str, *, known: bool) -> bool:
    """Take the lease to ask eBay. Raises KeyUnavailable when too many unknown ids were asked for lately."""
    if not known:
        asked = fetch_one(
            "SELECT count(*) FROM ebay_notification_keys WHERE created_at > clock_timestamp() - %s "
            "AND public_key IS NULL",
            [_UNKNOWN_WITHIN],
        )
        if asked is not None and asked[0] >= MOST_UNKNOWN:
            raise KeyUnavailable(f"more than {MOST_UNKNOWN} unknown key ids came within ten minutes")
    claimed = execute(
        "INSERT INTO ebay_notification_keys AS k (kid, environment, lease_until) "
        "VALUES (%s, '', clock_timestamp() + %s) ON CONFLICT (kid) DO UPDATE "
        "SET lease_until = excluded.lease_until "
        "WHERE (k.lease_until IS NULL OR k.lease_until <= clock_timestamp()) "
        "AND (k.good_until IS NULL OR k.good_until <= clock_timestamp())",
        [kid, _LEASE],
    )
    return claimed == 1


def _fetch(kid: str) -> EnvironmentKey | None:
    """Ask eBay, in each environment that we have a keyset for, and keep the answer."""
    try:
        found = _ask(kid)
    except (EbayError, TokenUnavailable) as failure:
        logger.warning("eBay's key %s for notifications could not be fetched: %s", kid, failure)
        execute("UPDATE ebay_notification_keys SET lease_until = NULL WHERE kid = %s", [kid])
        raise KeyUnavailable("eBay did not answer") from failure
    execute(
        "UPDATE ebay_notification_keys SET environment = %s, public_key = %s, lease_until = NULL, "
        "good_until = clock_timestamp() + %s WHERE kid = %s",
        [
            found.environment if found else "",
            found.key.der if found else None,
            KEPT if found else UNKNOWN_KEPT,
            kid,
        ],
    )
    return found


def _ask(kid: str) -> EnvironmentKey | None:
    for environment in settings.EBAY_ENVIRONMENTS:
        client = application_client_for(environment, source="notifications").trying(1)
        try:
            return EnvironmentKey(environment, public_key(client, kid))
        except (NotFound, ApplicationNotConfigured):
            continue
    return None
