"""Processes that take calls from one quota together never get more than there is."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
from datetime import timedelta

import psutil
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

# One interpreter reads the program once. For each address that it is told it forks a process that connects
# there, takes so many calls, says how many it got, and waits to be ended.
_TAKE = """
import os, signal, socket, sys
import django
django.setup()
from django.db import connection
from tokens.allowances import QuotaExhausted, QuotaKey, allowances
from tokens.quotas import Lane

def take(told, said):
    connection.ensure_connection()
    print(os.getpid(), file=said, flush=True)
    wanted, taken = int(told.readline()), 0
    try:
        while taken < wanted:
            allowances().take(QuotaKey("simulator", "app", "trading"), Lane.SCHEDULE)
            taken += 1
    except QuotaExhausted:
        pass
    print(taken, file=said, flush=True)
    if told.readline().strip() == "give back":
        allowances().give_back()
        print("given back", file=said, flush=True)

signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for address in sys.stdin:
    if os.fork() == 0:
        line = socket.socket(socket.AF_UNIX)
        line.connect(address.strip())
        try:
            take(line.makefile("r"), line.makefile("w"))
        finally:
            os._exit(0)
"""


class Taker:
    """A process of its own that takes calls."""

    def __init__(self, listener: socket.socket) -> None:
        self._line = listener.accept()[0]
        self._line.settimeout(60)
        self._said = self._line.makefile("r")
        self.process = psutil.Process(int(self._said.readline()))

    def say(self, words: str) -> None:
        self._line.sendall(f"{words}\n".encode())

    def hear(self) -> str:
        return self._said.readline().strip()

    def end(self) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            self.process.kill()
        self._said.close()
        self._line.close()


@pytest.fixture(scope="module")
def nursery(django_db_setup):
    with subprocess.Popen(
        [sys.executable, "-c", _TAKE], env=child_env(LOG_LEVEL="ERROR"), cwd=settings.BASE_DIR, text=True,
        stdin=subprocess.PIPE,
    ) as process:  # fmt: skip
        yield process
        process.stdin.close()


@pytest.fixture
def children(nursery, tmp_path):
    ApiQuota.objects.create(
        environment=KEY.environment, client_id=KEY.client_id, api=KEY.api, daily_limit=LIMIT,
        reset_at=timezone.now() + timedelta(hours=9), held_since=timezone.now(),
    )  # fmt: skip
    address, started = tmp_path / "line", []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.settimeout(60)
        listener.bind(str(address))
        listener.listen()
        try:
            for _ in range(PROCESSES):
                nursery.stdin.write(f"{address}\n")
                nursery.stdin.flush()
                started.append(Taker(listener))
            yield started
        finally:
            for child in started:
                child.end()


def take(children, number: int) -> list[int]:
    """How many each of the processes got of so many."""
    for child in children:
        child.say(str(number))
    return [int(child.hear()) for child in children]


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
        child.say("give back")
        assert child.hear() == "given back"
    assert used() == PROCESSES * 13


def test_of_a_killed_process_no_more_than_ten_calls_are_missing(children):
    take(children, 13)
    for child in children:
        child.process.kill()
    psutil.wait_procs([child.process for child in children], timeout=20)
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
