"""Processes that take calls from one quota together never get more than there is."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from tests.processes import child_env
from tokens.allowances import Allowances, QuotaExhausted, QuotaKey
from tokens.models import ApiQuota
from tokens.quotas import Lane

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
KEY = QuotaKey("simulator", "app", "trading")
PROCESSES, LIMIT = 4, 2000

# Takes so many calls, says how many it got, and waits to be ended.
_TAKE = """
import sys
import django
django.setup()
from django.db import connection
from tokens.allowances import QuotaExhausted, QuotaKey, allowances
from tokens.quotas import Lane
connection.ensure_connection()
print("ready", flush=True)
wanted, taken = int(sys.stdin.readline()), 0
try:
    while taken < wanted:
        allowances().take(QuotaKey("simulator", "app", "trading"), Lane.SCHEDULE)
        taken += 1
except QuotaExhausted:
    pass
print(taken, flush=True)
if sys.stdin.readline().strip() == "give back":
    allowances().give_back()
"""


@pytest.fixture
def children():
    ApiQuota.objects.create(
        environment=KEY.environment, client_id=KEY.client_id, api=KEY.api, daily_limit=LIMIT,
        reset_at=timezone.now() + timedelta(hours=9), held_since=timezone.now(),
    )  # fmt: skip
    started = [
        subprocess.Popen(
            [sys.executable, "-c", _TAKE], env=child_env(LOG_LEVEL="ERROR"), cwd=settings.BASE_DIR, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for _ in range(PROCESSES)
    ]  # fmt: skip
    try:
        for child in started:
            assert child.stdout.readline() == "ready\n", child.stderr.read()
        yield started
    finally:
        for child in started:
            child.kill()
            child.communicate()


def take(children, number: int) -> list[int]:
    """How many each of the processes got of so many."""
    for child in children:
        child.stdin.write(f"{number}\n")
        child.stdin.flush()
    return [int(child.stdout.readline()) for child in children]


def used() -> int:
    return ApiQuota.objects.get().used


def test_together_they_get_exactly_what_the_lane_may_have(children):
    taken = take(children, LIMIT)
    assert sum(taken) == LIMIT * 95 // 100 == used()
    assert min(taken) > 0


def test_what_is_not_used_comes_back_when_a_job_ends(children):
    assert take(children, 13) == [13] * PROCESSES
    assert used() == PROCESSES * 20
    for child in children:
        child.communicate("give back\n", timeout=20)
    assert used() == PROCESSES * 13


def test_of_a_killed_process_no_more_than_ten_calls_are_missing(children):
    take(children, 13)
    for child in children:
        child.send_signal(signal.SIGKILL)
        child.wait(timeout=20)
    later = Allowances()
    for _ in range(2):
        # As the row sees it, eleven minutes pass.
        ApiQuota.objects.update(held_since=ApiQuota.objects.get().held_since - timedelta(minutes=11))
        later.take(KEY, Lane.SCHEDULE)
        later.give_back()
    assert used() == PROCESSES * 10 + 2, "three calls of each are known to eBay alone until its count is read"


def test_a_new_process_goes_on_where_the_others_were(children):
    take(children, 450)
    fresh, taken = Allowances(), 0
    with pytest.raises(QuotaExhausted):
        while True:
            fresh.take(KEY, Lane.SCHEDULE)
            taken += 1
    assert used() == LIMIT * 95 // 100
    # Near the end blocks are small: hardly anything lies with those that do not call.
    assert LIMIT * 95 // 100 - PROCESSES * (450 + 10) <= taken <= LIMIT * 95 // 100 - PROCESSES * 450
