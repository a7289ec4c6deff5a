"""The embedded PostgreSQL: starts, refuses a second owner, survives its owner's death."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import psutil
import psycopg
import pytest

from ebayconnector import embedded_postgres
from tests.waiting import eventually

pytestmark = pytest.mark.slow

_OWNER = """
import sys, time
from pathlib import Path
from ebayconnector import embedded_postgres
with embedded_postgres.running(Path(sys.argv[1]), durable=False) as server:
    print(server.url, server.process.pid, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def home(public_folder):
    # A path with a space: the wheel's own management breaks on that.
    return public_folder / "a home"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another user")
def test_a_folder_that_the_server_cannot_enter_is_said_in_words(home):
    home.parent.chmod(0o700)
    with (
        pytest.raises(embedded_postgres.EmbeddedPostgresError, match="may not enter"),
        embedded_postgres.running(home, durable=False),
    ):
        pass


def test_data_stays_over_a_restart(home):
    with embedded_postgres.running(home, durable=True) as server, psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 'ß'::text AS word")
        connection.commit()
        version = connection.info.server_version
    with embedded_postgres.running(home, durable=True) as server, psycopg.connect(server.url) as connection:
        assert connection.execute("SELECT word FROM kept").fetchone() == ("ß",)
    assert version >= 180_000


def test_a_second_owner_is_refused_in_words(home):
    with (
        embedded_postgres.running(home, durable=False),
        pytest.raises(embedded_postgres.EmbeddedPostgresError, match="another process already runs"),
        embedded_postgres.running(home, durable=False),
    ):
        pass


def test_the_server_ends_when_its_owner_is_killed(home):
    owner = subprocess.Popen(
        [sys.executable, "-c", _OWNER, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    _, pid = owner.stdout.readline().split()
    server = psutil.Process(int(pid))
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    owner.stdin.close()
    eventually(lambda: not server.is_running() or server.status() == "zombie", within_s=20)
    with embedded_postgres.running(home, durable=False) as again, psycopg.connect(again.url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
