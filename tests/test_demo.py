"""`manage.py demo` as a stranger runs it: no settings, no terminal."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from datetime import timedelta
from functools import partial

import psutil
import psycopg
import pytest
import requests
from django.conf import settings
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from ebayconnector import demo, embedded_postgres
from ebayconnector.management.commands.demo_people import ACCOUNTS
from syncworkers.registry import WORKERS, families_for
from tests.waiting import eventually

pytestmark = pytest.mark.slow

MANAGE = [sys.executable, str(settings.BASE_DIR / "manage.py")]


def bare_environment(**more: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **more}


@pytest.mark.timeout(420)
def test_one_cycle_prints_a_table_and_exits_zero():
    done = subprocess.run(
        [*MANAGE, "demo", "--once"], env=bare_environment(), capture_output=True, text=True, timeout=400,
        stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    head, *rows = done.stdout.strip().splitlines()
    assert head.split() == ["account", "family", "fetched", "stored", "unchanged", "duration", "status"]
    cells = [row.split() for row in rows]
    assert [(cell[0], cell[1]) for cell in cells] == [
        (name, key) for name, _, purpose, _ in ACCOUNTS for key in families_for(purpose)
    ]
    assert {cell[1] for cell in cells} == set(WORKERS)
    assert all(int(cell[2]) > 50 for cell in cells if cell[1] == "orders")
    assert all(int(cell[3]) > 0 and cell[-1] == "completed" for cell in cells)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ({"status": "completed", "stored": 3, "error": ""}, ""),
        ({"status": "completed", "stored": 0, "error": ""}, "nothing came, though the simulator has some"),
        ({"status": "partial", "stored": 9, "error": "a gap"}, "partial a gap"),
        ({"status": "skipped", "stored": 0, "error": ""}, "skipped"),
    ],
)
def test_a_cycle_fails_for_what_did_not_complete_or_brought_nothing(row, fault):
    assert demo._fault(row) == fault


def test_a_port_in_use_is_said_in_words():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [*MANAGE, "demo"], env=bare_environment(DEMO_WEB_PORT=str(port)), capture_output=True, text=True,
            timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert f"port {port} is in use" in done.stderr


@pytest.mark.timeout(600)
def test_the_demo_fills_the_tables_keeps_going_and_ends_with_ctrl_c(public_folder):
    """Twice on the same data: the second start works too, in a new clone of the project."""
    home = public_folder / "postgres"
    first = _one_demo(public_folder, home, look=_every_order_is_stored)
    log = (public_folder / "demo" / "web.log").read_text()
    assert "/ebay/connect/callback" in log
    assert "code=" not in log
    assert "ticket=" not in log
    shutil.rmtree(public_folder / "demo")
    second = _one_demo(public_folder, home)
    assert second >= first > 100


def _one_demo(folder, home, *, look=lambda connection, simulator, began_at: None) -> int:
    """Start, wait for the orders, Ctrl-C; returns how many orders there were."""
    ports = {"DEMO_WEB_PORT": str(demo.free_port()), "DEMO_SIMULATOR_PORT": str(demo.free_port())}
    script = (
        "import sys; from pathlib import Path; from ebayconnector import demo, embedded_postgres as e;"
        "e.home_for = lambda project: Path(sys.argv[1]); demo.PROJECT_DATA = Path(sys.argv[2]);"
        "demo.GROWING = {**demo.GROWING, 'orders': 120};"
        "demo.run_forever(lambda text: print(text, flush=True))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(home), str(folder / "demo")], env=bare_environment(**ports),
        cwd=settings.BASE_DIR, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        web, simulator = (f"http://127.0.0.1:{port}" for port in ports.values())
        return _watch_demo(process, web, partial(look, simulator=simulator))
    finally:
        # Its children die with it, also when this test fails.
        process.kill()
        process.wait()
        process.stdout.close()


def _watch_demo(process, web: str, look) -> int:
    began_at = timezone.now()
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "Ctrl-C" in line:
            break
    assert "alpha-operator" in "".join(lines), lines
    assert requests.get(f"{web}/healthz", timeout=10).ok
    family = psutil.Process(process.pid).children(recursive=True)
    with psycopg.connect(_database_url(family), autocommit=True) as connection:
        eventually(lambda: len(_read_since(connection, began_at)) == 3, within_s=150, what="orders were read")
        stored = _stored_orders(connection)
        look(connection, began_at=began_at)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 0, process.stdout.read()
    _, alive = psutil.wait_procs(family, timeout=10)
    assert alive == []
    return len(stored)


def _every_order_is_stored(connection, simulator: str, began_at) -> None:
    """Of the world that this simulator was started with; the next one has another history."""
    # The first load reads 90 days, and nothing that is younger than five seconds.
    since, until = began_at - timedelta(days=80), began_at - timedelta(seconds=10)
    stored = _stored_orders(connection)
    for seller in _read_since(connection, began_at):
        answer = requests.get(f"{simulator}/_sim/truth/orders/ids", params={"seller": seller}, timeout=30)
        ids = dict(answer.json())
        due = {one for one, modified in ids.items() if since < parse_datetime(modified) < until}
        assert len(due) > 10
        assert due <= stored, seller


def _database_url(family) -> str:
    for process in family:
        command = process.cmdline()
        if command and command[0].endswith("postgres"):
            port = next(word.split("=")[1] for word in command if word.startswith("port="))
            return f"postgres://postgres@127.0.0.1:{port}/ebayconnector"
    raise AssertionError("no PostgreSQL among the children")


def _read_since(connection, began_at) -> list[str]:
    """The accounts whose orders have been read to the end since then."""
    return [
        username
        for (username,) in connection.execute(
            "SELECT DISTINCT username FROM ebay_worker_run JOIN ebay_accounts a ON a.id = account_id "
            "WHERE api_family = 'orders' AND status = 'completed' AND NOT more AND started_at > %s",
            [began_at],
        )
    ]


def _stored_orders(connection) -> set[str]:
    return {one for (one,) in connection.execute("SELECT order_id FROM ebay_orders")}


def test_a_database_whose_secrets_are_lost_is_begun_anew(public_folder):
    home = public_folder / "postgres"
    with embedded_postgres.running(home, durable=False) as server:
        with psycopg.connect(server.url) as connection:
            connection.execute("CREATE TABLE sealed_with_a_lost_key ()")
        first = demo._settings(home, server)
        with psycopg.connect(server.url) as connection:
            assert connection.execute("SELECT to_regclass('sealed_with_a_lost_key')").fetchone() == (None,)
            connection.execute("CREATE TABLE kept ()")
        assert demo._settings(home, server) == first
        with psycopg.connect(server.url) as connection:
            assert connection.execute("SELECT to_regclass('kept')").fetchone() == ("kept",)
    assert (home / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_home_for_root_is_not_inside_the_project():
    home = embedded_postgres.home_for(settings.BASE_DIR)
    inside = settings.BASE_DIR in home.parents
    assert inside == (os.geteuid() != 0)
