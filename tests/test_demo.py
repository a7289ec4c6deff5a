"""`manage.py demo` as a stranger runs it: no settings, no terminal."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys

import psutil
import psycopg
import pytest
import requests
from django.conf import settings

from accounts.models import Purpose
from ebayconnector import demo, embedded_postgres
from syncworkers.registry import families_for
from tests.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("clusters")]

MANAGE = [sys.executable, str(settings.BASE_DIR / "manage.py")]


def bare_environment(**more: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **more}


@pytest.mark.timeout(240)
def test_one_cycle_prints_a_table_and_exits_zero():
    done = subprocess.run(
        [*MANAGE, "demo", "--once"], env=bare_environment(), capture_output=True, text=True, timeout=220,
        stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    head, *rows = done.stdout.strip().splitlines()
    assert head.split() == ["account", "family", "fetched", "stored", "unchanged", "duration"]
    accounts = {"Warehouse-A": Purpose.BOTH, "Outlet-DE": Purpose.SELLER, "Beta-Shop": Purpose.SELLER}
    cells = [row.split() for row in rows]
    assert {(cell[0], cell[1]) for cell in cells} == {
        (name, key) for name, purpose in accounts.items() for key in families_for(purpose)
    }
    assert all(int(cell[2]) > 50 for cell in cells if cell[1] == "orders")
    # Of 120 orders few go wrong.
    rare = {"cases", "inquiries", "returns"}
    assert all(int(cell[2]) > 0 for cell in cells if cell[1] not in rare)


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


@pytest.mark.timeout(300)
def test_the_demo_fills_the_tables_keeps_going_and_ends_with_ctrl_c(public_folder):
    """Twice on the same data: the second start works too."""
    home = public_folder / "postgres"
    first = _one_demo(public_folder, home)
    log = (public_folder / "demo" / "web.log").read_text()
    assert "/ebay/connect/callback" in log
    assert "code=" not in log
    assert "ticket=" not in log
    second = _one_demo(public_folder, home)
    assert second >= first > 100


def _one_demo(folder, home) -> int:
    """Start, wait for orders, Ctrl-C; returns how many orders there were."""
    ports = {"DEMO_WEB_PORT": str(demo._free_port()), "DEMO_SIMULATOR_PORT": str(demo._free_port())}
    script = (
        "import sys; from pathlib import Path; from ebayconnector import demo, embedded_postgres as e;"
        "e.home_for = lambda project: Path(sys.argv[1]); demo.PROJECT_DATA = Path(sys.argv[2]);"
        "demo.run_forever(lambda text: print(text, flush=True))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(home), str(folder / "demo")], env=bare_environment(**ports),
        cwd=settings.BASE_DIR, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        return _watch_demo(process, f"http://127.0.0.1:{ports['DEMO_WEB_PORT']}")
    finally:
        # Its children die with it, also when this test fails.
        process.kill()
        process.wait()
        process.stdout.close()


def _watch_demo(process, web: str) -> int:
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "Ctrl-C" in line:
            break
    assert "alpha-operator" in "".join(lines), lines
    assert requests.get(f"{web}/healthz", timeout=10).ok
    family = psutil.Process(process.pid).children(recursive=True)
    with psycopg.connect(_database_url(family), autocommit=True) as connection:
        count = eventually(lambda: _settled_orders(connection), within_s=60, what="orders in the tables")
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 0, process.stdout.read()
    _, alive = psutil.wait_procs(family, timeout=10)
    assert alive == []
    return count


def _database_url(family) -> str:
    for process in family:
        command = process.cmdline()
        if command and command[0].endswith("postgres"):
            port = next(word.split("=")[1] for word in command if word.startswith("port="))
            return f"postgres://postgres@127.0.0.1:{port}/ebayconnector"
    raise AssertionError("no PostgreSQL among the children")


def _settled_orders(connection) -> int:
    """The number of orders once no run is active and each account has some."""
    accounts, orders = connection.execute(
        "SELECT count(DISTINCT account_id), count(*) FROM ebay_orders"
    ).fetchone()
    active = connection.execute(
        "SELECT count(*) FROM ebay_worker_run WHERE status IN ('queued', 'running')"
    ).fetchone()[0]
    return orders if accounts == 3 and not active else 0


def test_home_for_root_is_not_inside_the_project():
    home = embedded_postgres.home_for(settings.BASE_DIR)
    inside = settings.BASE_DIR in home.parents
    assert inside == (os.geteuid() != 0)
