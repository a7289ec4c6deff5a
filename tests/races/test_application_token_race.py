"""Eight processes want a token of the application at the same moment: eBay is asked once."""

from __future__ import annotations

import subprocess
import sys

import pytest
from django.conf import settings

from tests.processes import child_env
from tokens.models import ApplicationToken
from tokens.services.application_tokens import get_application_token
from tokens.tests.linked import token_posts

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
PROCESSES = 8

# Says when it is ready, and asks when it is told to.
_ASK = """
import sys
import django
django.setup()
from django.db import connection
from tokens.services.application_tokens import get_application_token
connection.ensure_connection()
print("ready", flush=True)
rejected = sys.stdin.readline().strip() or None
print(get_application_token("simulator", rejected=rejected), flush=True)
"""


def ask_together(rejected: str = "", processes: int = PROCESSES) -> list[str]:
    """What each of the processes got."""
    children = [
        subprocess.Popen(
            [sys.executable, "-c", _ASK],
            env=child_env(LOG_LEVEL="ERROR"), cwd=settings.BASE_DIR, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for _ in range(processes)
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
    assert [child.returncode for child in children] == [0] * processes, answers
    return [token.strip() for token, _ in answers]


def test_eight_processes_cause_one_mint_and_a_new_one_none(simulator):
    simulator.fault("token", "slow", delay_s=0.5)
    tokens = ask_together()
    assert len(set(tokens)) == 1
    assert ask_together(processes=1) == [get_application_token("simulator")] == tokens[:1]
    assert len(token_posts(simulator)) == 1
    assert ApplicationToken.objects.get().version == 2


def test_eight_processes_with_one_rejected_token_cause_one_mint(simulator):
    rejected = get_application_token("simulator")
    simulator.fault("token", "slow", delay_s=0.5)
    tokens = ask_together(rejected)
    assert set(tokens) == {get_application_token("simulator")}
    assert rejected not in tokens
    assert len(token_posts(simulator)) == 2
