"""eBay calling us: the challenge, and notices with their retries, over real HTTP."""

import asyncio
import hashlib
import secrets

import requests

from ebayconnector.simulator.notice_bodies import Notice, letter
from ebayconnector.simulator.notice_book import MOST_RETRIES, Delivery
from ebayconnector.simulator.world import World

_TAKEN = (200, 201, 202, 204)
_TIMEOUT_S = 10.0


async def passes_challenge(endpoint: str, verification_token: str) -> bool:
    """Whether the endpoint answers the challenge as 03 §10.1 wants it: 200, JSON, the right hash."""
    code = secrets.token_hex(16)
    wanted = hashlib.sha256(f"{code}{verification_token}{endpoint}".encode()).hexdigest()
    try:
        answer = await asyncio.to_thread(
            requests.get,
            endpoint,
            params={"challenge_code": code},
            timeout=_TIMEOUT_S,
            allow_redirects=False,
        )
        told = answer.json() if answer.status_code == 200 else None
    except (requests.RequestException, ValueError):
        return False
    is_json = answer.headers.get("Content-Type", "").partition(";")[0].strip() == "application/json"
    return is_json and isinstance(told, dict) and told.get("challengeResponse") == wanted


async def deliver(world: World, notice: Notice, endpoint: str) -> Delivery:
    """Send until it is taken, at most four times; the delivery is in the book from the beginning."""
    book = world.notices
    delivery = Delivery(notice.notification_id, notice.topic, endpoint)
    book.deliveries.append(delivery)
    for attempt in range(1, MOST_RETRIES + 2):
        if attempt > 1:
            await asyncio.sleep(book.retry_s)
        sent = letter(notice, book.keys, now_ms=world.clock.now_ms(), attempt=attempt)
        status = await asyncio.to_thread(_post, endpoint, sent.headers, sent.body)
        delivery.statuses.append(status)
        if status in _TAKEN:
            break
    return delivery


def _post(endpoint: str, headers: dict[str, str], body: bytes) -> int | None:
    try:
        return requests.post(endpoint, data=body, headers=headers, timeout=_TIMEOUT_S).status_code
    except requests.RequestException:
        return None


_in_background: set[asyncio.Task[Delivery]] = set()


def deliver_in_background(world: World, notice: Notice, endpoint: str) -> None:
    task = asyncio.get_running_loop().create_task(deliver(world, notice, endpoint))
    # The loop itself keeps only weak references.
    _in_background.add(task)
    task.add_done_callback(_in_background.discard)
