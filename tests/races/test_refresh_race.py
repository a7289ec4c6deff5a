"""Eight processes want a token at the same moment: eBay is asked once."""

from __future__ import annotations

import subprocess
import sys

import pytest
from django.conf import settings

from tests.processes import child_env
from tokens.models import TokenRefreshLog
from tokens.tests.linked import expired_account, linked_account, stored_access_token, token_posts

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
PROCESSES = 8

# Says when it is ready, and asks when it is told to.
_ASK = """
import sys
import django
django.setup()
from django.db import connection
from tokens.services.refresh import get_access_token
connection.ensure_connection()
print("ready", flush=True)
rejected = sys.stdin.readline().strip() or None
print(get_access_token({account_id}, rejected=rejected), flush=True)
"""


def ask_together(account_id: int, rejected: str = "") -> list[str]:
    """What each of the processes got."""
    script = _ASK.format(account_id=account_id)
    children = [
        subprocess.Popen(
            [sys.executable, "-c", script],
            env=child_env(LOG_LEVEL="ERROR"), cwd=settings.BASE_DIR, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for _ in range(PROCESSES)
    ]  # fmt: skip
    try:
        for child in children:
            assert child.stdout.readline() == "ready\n", child.stderr.read()
        for child in children:
            child.stdin.write(f"{rejected}\n")
            child.stdin.flush()
        answers = [child.communicate(timeout=40) for child in children]
    finally:
        for child in children:
            child.kill()
            child.wait()
    assert [child.returncode for child in children] == [0] * PROCESSES, answers
    return [token.strip() for token, _ in answers]


def test_eight_processes_cause_one_refresh(simulator):
    account = expired_account(simulator)
    simulator.fault("token", "slow", delay_s=0.5)
    tokens = ask_together(account.pk)
    assert tokens == [stored_access_token(account)] * PROCESSES
    assert len(token_posts(simulator)) == 1
    assert TokenRefreshLog.objects.get().success


def test_eight_processes_with_one_rejected_token_cause_one_refresh(simulator):
    account = linked_account(simulator)
    rejected = stored_access_token(account)
    tokens = ask_together(account.pk, rejected)
    assert tokens == [stored_access_token(account)] * PROCESSES
    assert rejected not in tokens
    assert len(token_posts(simulator)) == 1
