"""`manage.py demo`: everything on this machine, from PostgreSQL to the web server, all parts real.

This process owns the children and talks to none of Django's database itself: it starts the embedded
PostgreSQL first and hands its address to everybody in `DATABASE_URL`.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from . import embedded_postgres
from .processes import start_group, stop_flag, stop_group

PROJECT = Path(__file__).resolve().parent.parent
PROJECT_DATA = PROJECT / ".data" / "demo"
MANAGE = [sys.executable, str(PROJECT / "manage.py")]
CLUSTERS = ("core", "tokens", "sync")
_START_WITHIN_S = 60.0
_ONCE_WITHIN_S = 300.0

# Options of the simulator: sizes and rates (a minute) per seller. Steady, so that most runs bring something
# to see. A round of the three accounts costs 14 Trading calls, 4,000 a day of eBay's 5,000; folders of their
# own would cost 6 more, and the schedule would be stretched.
GROWING = {
    "orders": 400,
    "arrivals-per-minute": 2,
    "changes-per-minute": 3,
    "stock-changes-per-minute": 2,
    "messages": 120,
    "messages-per-minute": 0.2,
    "own-folders": 0,
    "listing-changes-per-minute": 2,
    "purchases-per-minute": 0.2,
    "trouble-changes-per-minute": 0.3,
}
# Of few orders more go wrong, so that no family of any account is without a row.
SMALL = {"orders": 120, "trouble-share": 0.25}


class DemoFailed(Exception):
    """The demo cannot start or did not do its work; the text says why and what to do."""


@dataclass
class Child:
    name: str
    process: subprocess.Popen[bytes]
    log: Path


@dataclass
class Stage:
    """Where a demo lives and what its processes get to know."""

    folder: Path
    env: dict[str, str]
    simulator_url: str
    web_url: str
    children: list[Child] = field(default_factory=list)

    def start(self, name: str, command: list[str]) -> Child:
        log = self.folder / f"{name}.log"
        with log.open("wb") as output:
            child = Child(name, start_group(command, env=self.env, output=output), log)
        self.children.append(child)
        return child

    def run(self, *arguments: str, quiet: bool = True) -> str:
        """A management command that must succeed; returns what it printed."""
        done = subprocess.run(
            [*MANAGE, *arguments], env=self.env, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if quiet else None, check=False,
        )  # fmt: skip
        if done.returncode:
            words = (done.stderr or b"").decode(errors="replace").strip()[-2000:]
            raise DemoFailed(f"`manage.py {' '.join(arguments)}` failed: {words}")
        return done.stdout.decode(errors="replace")

    def dead_child(self) -> Child | None:
        return next((child for child in self.children if child.process.poll() is not None), None)

    def stop(self) -> None:
        """Newest first; the clusters finish their page, nothing survives."""
        for child in reversed(self.children):
            child.process.terminate()
        for child in reversed(self.children):
            stop_group(child.process, within_s=25.0)


def run_forever(say: Callable[[str], None]) -> None:
    """The demo until Ctrl-C. Raises DemoFailed."""
    flag = stop_flag()
    home = embedded_postgres.home_for(PROJECT)
    folder = PROJECT_DATA
    folder.mkdir(parents=True, exist_ok=True)
    ports = (_port("DEMO_WEB_PORT", 8000), _port("DEMO_SIMULATOR_PORT", 8900))
    say("Starting PostgreSQL, the simulator, the clusters, the sniper and the web server …")
    with staged(home, folder, *ports, durable=True) as stage:
        people = start_everything(stage, GROWING)
        stage.start("sniper", [*MANAGE, "sniper"])
        stage.run("demo_snipes")
        say(_greeting(stage, people))
        while not flag.wait(1.0):
            dead = stage.dead_child()
            if dead is not None:
                raise DemoFailed(f"{dead.name} ended by itself:\n{_tail(dead.log)}")
        say("Stopping …")


def run_once(say: Callable[[str], None]) -> None:
    """One full cycle on fresh data: connect, sync through the clusters, a table. Raises DemoFailed."""
    folder = Path(tempfile.mkdtemp(prefix="ebayconnector-demo-"))
    try:
        with staged(folder / "postgres", folder, free_port(), free_port(), durable=False) as stage:
            start_everything(stage, SMALL)
            rows = _wait_for_runs(stage)
        say(_table(rows))
        faults = [f"{row['account']} {row['family']}: {fault}" for row in rows if (fault := _fault(row))]
        if faults:
            raise DemoFailed("; ".join(faults))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _fault(row: Mapping[str, Any]) -> str:
    """What is wrong with a worker's first run; '' for one that brought something and stored it."""
    if row["status"] != "completed":
        return f"{row['status']} {row['error']}".strip()
    return "" if row["stored"] else "nothing came, though the simulator has some"


@contextlib.contextmanager
def staged(home: Path, folder: Path, web: int, simulator: int, *, durable: bool) -> Iterator[Stage]:
    if os.geteuid() == 0:
        # PostgreSQL runs as another user, who must be able to enter.
        folder.chmod(0o755)
    with embedded_postgres.running(home, durable=durable) as server:
        web_url, simulator_url = f"http://127.0.0.1:{web}", f"http://127.0.0.1:{simulator}"
        env = {**os.environ, **_settings(home, server), "DATABASE_URL": server.url}
        env |= {"PUBLIC_URL": web_url, "EBAY_SIMULATOR_URL": simulator_url}
        env |= {"EBAY_NOTIFICATION_ENDPOINT": f"{web_url}/webhooks/ebay/events"}
        stage = Stage(folder, env, simulator_url, web_url)
        try:
            yield stage
        finally:
            stage.stop()


def _settings(home: Path, server: embedded_postgres.Server) -> Mapping[str, str]:
    """The demo's own secrets, made once and kept beside its database: each is of no use without the other."""
    path = home / "secrets.json"
    if not path.exists():
        embedded_postgres.empty_database(server)
        made = {
            "SECRET_KEY": secrets.token_urlsafe(48),
            "TOKEN_ENCRYPTION_KEYS": base64.urlsafe_b64encode(os.urandom(32)).decode(),
        }
        partial = path.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(made, file)
        partial.rename(path)
    return {
        **json.loads(path.read_text()),
        "DEBUG": "false",
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "EBAY_ENVIRONMENT": "simulator",
        "EBAY_SIMULATOR_CLIENT_ID": "SimulatorApp-SIM-0001",
        "EBAY_SIMULATOR_CLIENT_SECRET": "SIM-secret-0001-not-a-real-key",
        "EBAY_SIMULATOR_RUNAME": "Simulator-RuName-1",
        "EBAY_NOTIFICATION_VERIFICATION_TOKEN": "the-demo-s-own-verification-token-0001",
        "RELEASE": "demo",
        "EMAIL_URL": "consolemail://",
        "Q_WORKERS": "2",
    }


def start_everything(stage: Stage, simulator: Mapping[str, float]) -> list[dict[str, str]]:
    """All processes, the simulator with these options, and three connected accounts; returns the logins."""
    _start_services(stage, [f"--{name}={value}" for name, value in simulator.items()])
    people: list[dict[str, str]] = json.loads(stage.run("demo_people"))
    return people


def _start_services(stage: Stage, simulator_options: list[str]) -> None:
    simulator_port, web_port = stage.simulator_url.rpartition(":")[2], stage.web_url.rpartition(":")[2]
    # It makes its world while the tables are made.
    stage.start(
        "simulator",
        [sys.executable, "-m", "ebayconnector.simulator", "--port", simulator_port, *simulator_options,
         "--die-with-parent", "--accept-url", f"{stage.web_url}/ebay/connect/callback"],
    )  # fmt: skip
    stage.run("migrate", "--verbosity", "0")
    stage.run("setup_schedules")
    stage.start(
        "web",
        [sys.executable, "-m", "gunicorn", "ebayconnector.wsgi:application",
         "--config", str(PROJECT / "gunicorn.conf.py"), "--bind", f"127.0.0.1:{web_port}", "--workers", "1"],
    )  # fmt: skip
    for name in CLUSTERS:
        stage.start(f"cluster-{name}", [*MANAGE, "cluster", name])
    _wait_for(stage, f"{stage.simulator_url}/_sim/")
    # Before accounts are connected: the German one gets no Finances without it.
    stage.run("setup_signing_key", "--environment", "simulator")
    _wait_for(stage, f"{stage.web_url}/admin/login/")
    # eBay calls the web server meanwhile.
    stage.run("setup_notifications", "--environment", "simulator", "--email", "demo@example.com")


def _wait_for(stage: Stage, url: str) -> None:
    deadline = time.monotonic() + _START_WITHIN_S
    while True:
        with contextlib.suppress(requests.RequestException):
            if requests.get(url, timeout=5).ok:
                return
        dead = stage.dead_child()
        if dead is not None:
            raise DemoFailed(f"{dead.name} ended by itself:\n{_tail(dead.log)}")
        if time.monotonic() > deadline:
            raise DemoFailed(
                f"{url} did not answer within {_START_WITHIN_S:.0f} s; logs are in {stage.folder}"
            )
        time.sleep(0.2)


def _wait_for_runs(stage: Stage) -> list[dict[str, Any]]:
    """The first run of every worker that is switched on, once all have ended."""
    deadline = time.monotonic() + _ONCE_WITHIN_S
    while True:
        rows: list[dict[str, Any]] = json.loads(stage.run("demo_people", "--runs"))
        if rows and all(row["ended"] for row in rows):
            return rows
        dead = stage.dead_child()
        if dead is not None or time.monotonic() > deadline:
            logs = "\n".join(f"{child.name}: {_tail(child.log, 600)}" for child in stage.children)
            raise DemoFailed(f"the runs did not end within {_ONCE_WITHIN_S:.0f} s.\n{logs}")


def _table(rows: list[dict[str, Any]]) -> str:
    names = ("account", "family", "fetched", "stored", "unchanged", "duration", "status")
    widths = {name: max(len(name), *(len(str(row[name])) for row in rows)) for name in names}
    lines = ["  ".join(name.ljust(widths[name]) for name in names).rstrip()]
    lines += ["  ".join(str(row[name]).ljust(widths[name]) for name in names).rstrip() for row in rows]
    return "\n".join(lines)


def _greeting(stage: Stage, people: list[dict[str, str]]) -> str:
    logins = "\n".join(f"  {p['username']:<16} {p['password']:<16} {p['role']}" for p in people)
    return (
        f"\n  Console    {stage.web_url}/admin/\n  Workers    {stage.web_url}/admin/workers/\n"
        f"  Snipes     {stage.web_url}/admin/snipes/\n"
        f"  API        {stage.web_url}/api/docs/\n  Simulator  {stage.simulator_url}/_sim/\n"
        f"  Logs       {stage.folder}\n\n{logins}\n\nCtrl-C ends all of it."
    )


def _tail(log: Path, length: int = 2000) -> str:
    return log.read_text(errors="replace")[-length:].strip()


def _port(variable: str, default: int) -> int:
    port = int(os.environ.get(variable) or default)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise DemoFailed(
                f"port {port} is in use; stop what uses it or take another: {variable}={port + 1} make demo"
            ) from None
    return port


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
