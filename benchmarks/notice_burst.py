"""What eBay's notifications cost: deletions of users whom nobody here knows, beside a large index of people.

Each is signed by the simulator; its way through our door is Django's test client, so that the web server's
own time is not in it. Baseline: the same work with each notification by itself.
"""

from __future__ import annotations

import time
from typing import Any

import requests
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import EbayAccount, Organization, Purpose
from ebayconnector.database import execute
from ebayconnector.topics import work_inbox
from tokens.models import InboundNotification
from tokens.services import inbox_work

_DOOR = "/webhooks/ebay/events"


def measure(*, notices: int, indexed: int) -> dict[str, Any]:
    """Seconds for `notices` that match nobody among `indexed` entries: at the door, and worked on."""
    settings.ALLOWED_HOSTS = ["testserver"]
    _fill(indexed)
    letters = [_letter(number) for number in range(notices)]
    client = Client()
    assert _post(client, letters[0]) == 204, "the door does not take what the simulator signs"
    work_inbox()
    started = time.perf_counter()
    answers = {_post(client, letter) for letter in letters[1:]}
    door_s = time.perf_counter() - started
    with CaptureQueriesContext(connection) as queries:
        started = time.perf_counter()
        worked = work_inbox()
        work_s = time.perf_counter() - started
    assert (answers, worked) == ({204}, notices - 1), (answers, worked)
    assert not InboundNotification.objects.exclude(result={}).exists()
    return {
        "notices": notices,
        "indexed": indexed,
        "door_ms": door_s * 1000 / worked,
        "work_ms": work_s * 1000 / worked,
        "queries": len(queries),
        "one_by_one_ms": _one_by_one(client, 100),
    }


def _fill(indexed: int) -> None:
    organization = Organization.objects.create(name="Notices")
    account = EbayAccount.objects.create(
        organization=organization, house_name="Notices", purpose=Purpose.BOTH, environment="simulator",
        ebay_user_id="notices", username="notices", marketplace_id="EBAY_US", site_id=0,
        connected_at="2026-01-01T00:00Z",
    )  # fmt: skip
    execute(
        "INSERT INTO ebay_person_index (person, kind, row_id, account_id) "
        "SELECT substring(sha256(convert_to(n::text, 'UTF8')) for 16), 'orders', n, %s "
        "FROM generate_series(1, %s) AS g(n)",
        [account.pk, indexed],
    )
    execute("ANALYZE ebay_person_index")


def _letter(number: int) -> dict[str, Any]:
    user = {"username": f"stranger_{number}", "userId": f"Str{number}", "eiasToken": f"nY+s{number}=="}
    answer = requests.post(
        f"{settings.EBAY_SIMULATOR_URL}/_sim/notices/compose", json={"user": user}, timeout=30
    )
    letter: dict[str, Any] = answer.json()
    return letter


def _post(client: Client, letter: dict[str, Any]) -> int:
    headers = {"X-EBAY-SIGNATURE": letter["headers"]["X-EBAY-SIGNATURE"]}
    body = letter["body"].encode()
    return client.post(_DOOR, body, content_type="application/json", headers=headers).status_code


def _one_by_one(client: Client, count: int) -> float:
    """Milliseconds for one, when each is a batch of its own."""
    for number in range(count):
        _post(client, _letter(10_000_000 + number))
    size, inbox_work.BATCH = inbox_work.BATCH, 1
    started = time.perf_counter()
    work_inbox()
    inbox_work.BATCH = size
    return (time.perf_counter() - started) * 1000 / count
