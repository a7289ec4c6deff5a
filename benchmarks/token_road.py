"""What an access token costs: when nothing is due, beside the ORM; and when many expire together.

The cycle is carried out as by the `tokens` cluster: two processes that take chunks, four threads in each.
"""

from __future__ import annotations

import multiprocessing
import statistics
import time
from base64 import b64encode
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import requests
from django.conf import settings
from django.db import connection
from django.utils import timezone
from django_q.models import OrmQ

from accounts.models import EbayAccount, Organization, Purpose
from ebayconnector.database import execute
from tokens import sealing
from tokens.models import EbayToken, TokenRefreshLog
from tokens.services.cycle import start_cycle
from tokens.services.refresh import get_access_token
from tokens.status import binding
from tokens.tasks import refresh_chunk

_WARM_UP = 200


def measure(*, accounts: int, calls: int, one_by_one: int) -> dict[str, Any]:
    """Times in ms of single calls while nothing is due; seconds for `accounts` that all expire.

    The baseline of the latter is measured on `one_by_one` of them and scaled.
    """
    made = _make_accounts(accounts)
    return {
        "calls": calls,
        "road": _timed(get_access_token, calls, made),
        "orm": _timed(_through_the_orm, calls, made),
        "accounts": accounts,
        "cycle_s": _timed_cycle(accounts),
        "one_by_one_measured": one_by_one,
        "one_by_one_s": _timed_one_by_one(made[:one_by_one]) * accounts / one_by_one,
    }


def _make_accounts(count: int) -> list[int]:
    """Connected accounts with tokens that the simulator knows and that live for two hours; their ids."""
    seller = requests.get(f"{settings.EBAY_SIMULATOR_URL}/_sim/sellers", timeout=30).json()["sellers"][0]
    minted = requests.post(
        f"{settings.EBAY_SIMULATOR_URL}/_sim/tokens", json={"seller": seller["username"]}, timeout=30
    ).json()
    organization, now, ring = Organization.objects.create(name="Bench"), timezone.now(), sealing.key_ring()
    accounts = EbayAccount.objects.bulk_create(
        EbayAccount(
            organization=organization, house_name=f"House {n}", purpose=Purpose.BOTH, environment="simulator",
            ebay_user_id=f"user{n}", username=f"seller_{n}", marketplace_id="EBAY_US", site_id=0,
            connected_at=now,
        )
        for n in range(count)
    )  # fmt: skip
    EbayToken.objects.bulk_create(
        EbayToken(
            account=account, consented_at=now, expires_at=now + timedelta(hours=2), last_refreshed_at=now,
            **{
                f"{field}_sealed": ring.seal(minted[field], binding(account, field))
                for field in ("access_token", "refresh_token")
            },
        )
        for account in accounts
    )  # fmt: skip
    execute("ANALYZE")
    return [account.pk for account in accounts]


def _timed(call: Callable[[int], str], calls: int, account_ids: list[int]) -> dict[str, float]:
    for account_id in account_ids[:_WARM_UP]:
        call(account_id)
    times = []
    for number in range(calls):
        started = time.perf_counter()
        call(account_ids[number % len(account_ids)])
        times.append((time.perf_counter() - started) * 1000)
    cuts = statistics.quantiles(times, n=100)
    return {"mean_ms": statistics.mean(times), "p50_ms": cuts[49], "p99_ms": cuts[98]}


def _through_the_orm(account_id: int) -> str:
    """The same promises from model instances: alive for five minutes, not refused, not disconnected."""
    token = EbayToken.objects.select_related("account").get(account_id=account_id)
    alive = token.expires_at and token.expires_at - timezone.now() > timedelta(minutes=5)
    if not alive or token.refresh_error or not token.account.is_active:
        raise RuntimeError("a token was to be refreshed")
    return sealing.key_ring().open(token.access_token_sealed, binding(token.account, "access_token"))


def _timed_cycle(accounts: int) -> float:
    EbayToken.objects.update(expires_at=timezone.now() + timedelta(minutes=3))
    started = time.perf_counter()
    cycle = start_cycle(scheduled=True)
    jobs = [job.task["args"] for job in OrmQ.objects.order_by("id")]
    # Children must not share the parent's connection.
    connection.close()
    with multiprocessing.get_context("fork").Pool(2) as pool:
        pool.starmap(refresh_chunk, jobs, chunksize=1)
    seconds = time.perf_counter() - started
    cycle.refresh_from_db()
    if (cycle.status, cycle.accounts_refreshed) != ("ok", accounts):
        raise RuntimeError(f"{cycle.accounts_refreshed} accounts were refreshed instead of {accounts}")
    return seconds


def _timed_one_by_one(account_ids: list[int]) -> float:
    """One POST, one saved row and one log row after the other; no lease, no exchange kept."""
    keys = settings.EBAY_APPLICATIONS["simulator"]
    pair = b64encode(f"{keys['client_id']}:{keys['client_secret']}".encode()).decode()
    ring, session = sealing.key_ring(), requests.Session()
    started = time.perf_counter()
    for token in EbayToken.objects.filter(account_id__in=account_ids).select_related("account"):
        began = timezone.now()
        refresh_token = ring.open(token.refresh_token_sealed, binding(token.account, "refresh_token"))
        answer = session.post(
            f"{settings.EBAY_SIMULATOR_URL}/identity/v1/oauth2/token",
            headers={"Authorization": f"Basic {pair}"}, timeout=30,
            data={"grant_type": "refresh_token", "refresh_token": refresh_token},
        )  # fmt: skip
        answer.raise_for_status()
        access = answer.json()["access_token"]
        token.access_token_sealed = ring.seal(access, binding(token.account, "access_token"))
        token.expires_at = token.last_refreshed_at = timezone.now()
        token.save()
        TokenRefreshLog.objects.create(
            account=token.account, triggered_by="scheduled", success=True, started_at=began,
            finished_at=timezone.now(),
        )  # fmt: skip
    return time.perf_counter() - started
