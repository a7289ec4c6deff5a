"""What all measurements stand on: a durable PostgreSQL, the simulator as its own process, fresh children.

Each measurement runs in a new process on a new database (a copy of a migrated one), after a checkpoint.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from ebayconnector import embedded_postgres
from ebayconnector.processes import die_with_parent, start_group, stop_group

PROJECT = Path(__file__).resolve().parent.parent
_START_WITHIN_S = 60.0
_BODIES_KEPT = 250_000
_LONGEST_MEASUREMENT_S = 3600.0
_ENVIRONMENT = {
    "DJANGO_SETTINGS_MODULE": "ebayconnector.settings",
    "DEBUG": "false",
    "SECRET_KEY": "bench-only-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEF",
    "TOKEN_ENCRYPTION_KEYS": base64.urlsafe_b64encode(bytes(range(32))).decode(),
    "ALLOWED_HOSTS": "127.0.0.1",
    # As in life: a line per page is written.
    "LOG_LEVEL": "INFO",
    "EBAY_ENVIRONMENT": "simulator",
    "EBAY_SIMULATOR_CLIENT_ID": "SimulatorApp-SIM-0001",
    "EBAY_SIMULATOR_CLIENT_SECRET": "SIM-secret-0001-not-a-real-key",
    "EBAY_SIMULATOR_RUNAME": "Simulator-RuName-1",
}


class BenchmarkFailed(Exception):
    """A measurement did not do the work that it was to measure; the text says which and why."""


@dataclass(frozen=True)
class Stage:
    """The running servers; `measure` is the one thing to do with it."""

    folder: Path
    server: embedded_postgres.Server
    simulator_url: str

    def measure(
        self, name: str, *, label: str = "", environment: Mapping[str, str] | None = None, **options: Any
    ) -> Any:
        """Run one measurement of `measure.measurements()` and return what it found. Raises BenchmarkFailed.

        `label` tells two of the same name apart that run at once.
        """
        with self.database(f"measure_{name}{label}") as database:
            return self.measure_in(database, name, environment=environment, **options)

    def measure_in(
        self, database: str, name: str, *, environment: Mapping[str, str] | None = None, **options: Any
    ) -> Any:
        """The same in a database that may have been worked in before."""
        with self._admin() as connection:
            connection.execute("CHECKPOINT")
        return self._child(name, database, environment or {}, options)

    @contextlib.contextmanager
    def database(self, name: str) -> Iterator[str]:
        """A migrated database; yields its name."""
        with self._admin() as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                    sql.Identifier(name), sql.Identifier(self.server.database)
                )
            )
        try:
            yield name
        finally:
            with self._admin() as connection:
                connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _child(
        self, name: str, database: str, environment: Mapping[str, str], options: Mapping[str, Any]
    ) -> Any:
        url = self.server.url.replace(f"/{self.server.database}", f"/{database}")
        log = self.folder / f"{database}.log"
        with log.open("wb") as output:
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.measure", name, json.dumps(options)],
                env={**self._env(url), **environment}, cwd=PROJECT, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=output, check=False, timeout=_LONGEST_MEASUREMENT_S,
                preexec_fn=die_with_parent(signal.SIGTERM),
            )  # fmt: skip
        if done.returncode:
            raise BenchmarkFailed(f"{name} failed:\n{log.read_text(errors='replace')[-3000:].strip()}")
        return json.loads(done.stdout)

    def _env(self, database_url: str) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return kept | _ENVIRONMENT | {"DATABASE_URL": database_url, "EBAY_SIMULATOR_URL": self.simulator_url}

    def migrate(self) -> None:
        done = subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
            env=self._env(self.server.url), cwd=PROJECT, stderr=subprocess.PIPE, check=False,
        )  # fmt: skip
        if done.returncode:
            raise BenchmarkFailed(f"migrate failed:\n{done.stderr.decode(errors='replace')[-3000:]}")

    def postgres_version(self) -> str:
        with self._admin() as connection:
            row = connection.execute("SHOW server_version").fetchone()
        return str(row[0]) if row else ""

    def commit_ms(self) -> float:
        """Median time of a transaction that inserts one row: what this disk asks for a commit."""
        with self._admin() as connection:
            connection.execute("CREATE TABLE commits (id int)")
            seconds = []
            for number in range(200):
                started = time.perf_counter()
                connection.execute("INSERT INTO commits VALUES (%s)", [number])
                seconds.append(time.perf_counter() - started)
            connection.execute("DROP TABLE commits")
        return statistics.median(seconds) * 1000

    def _admin(self) -> psycopg.Connection[Any]:
        url = self.server.url.replace(f"/{self.server.database}", "/postgres")
        return psycopg.connect(url, autocommit=True)


@contextlib.contextmanager
def running_stage() -> Iterator[Stage]:
    """Everything started and migrated, and gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="ebayconnector-bench-"))
    try:
        # For root another user runs PostgreSQL, and must be able to enter.
        folder.chmod(0o755)
        with (
            embedded_postgres.running(folder / "postgres", durable=True) as server,
            _simulator(folder) as simulator_url,
        ):
            stage = Stage(folder, server, simulator_url)
            stage.migrate()
            yield stage
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _simulator(folder: Path) -> Iterator[str]:
    log = folder / "simulator.log"
    command: list[str | Path] = [sys.executable, "-m", "ebayconnector.simulator", "--port", "0"]
    # It makes no order twice: its time is not what is measured.
    command += ["--orders", "0", "--bodies-kept", str(_BODIES_KEPT), "--die-with-parent"]
    with log.open("wb") as output:
        process = start_group(command, env=os.environ | {"PYTHONPATH": str(PROJECT)}, output=output)
    try:
        yield _address(process, log)
    finally:
        stop_group(process, within_s=10.0)


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + _START_WITHIN_S
    while True:
        said = log.read_text(errors="replace")
        found = re.search(r"listening on (http://\S+)", said)
        if found:
            return found[1]
        if process.poll() is not None or time.monotonic() > deadline:
            raise BenchmarkFailed(f"the simulator did not start:\n{said[-2000:]}")
        time.sleep(0.05)
