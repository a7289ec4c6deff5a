"""Our own processes, started for real against the test database and the simulator."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import psutil
from django.conf import settings
from django.db import connection

from tests.waiting import eventually
from tokens.models import ProcessHeartbeat


def child_env(**more: str) -> dict[str, str]:
    """The environment of a child: this test's database and this test's eBay."""
    database = connection.settings_dict
    url = f"postgres://postgres@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    return {
        **os.environ,
        "DATABASE_URL": url,
        "EBAY_SIMULATOR_URL": settings.EBAY_SIMULATOR_URL,
        "Q_WORKERS": "1",
        "LOG_LEVEL": "INFO",
        "PYTHONWARNINGS": "default",
        **more,
    }


class Cluster:
    """`manage.py cluster NAME` as a child."""

    def __init__(self, name: str, log: Path, **env: str) -> None:
        self.name = name
        self.log = log
        self._mark = uuid4().hex
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, str(settings.BASE_DIR / "manage.py"), "cluster", name],
                env=child_env(**env, TEST_CLUSTER=self._mark),
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def wait_until_up(self, within_s: float) -> None:
        eventually(
            lambda: self._has_heartbeat() and len(self.family()) >= 4,
            within_s=within_s,
            what=f"cluster {self.name} is up: {self.log.read_text()[-2000:]}",
        )

    def _has_heartbeat(self) -> bool:
        return ProcessHeartbeat.objects.filter(pid=self.process.pid).exists()

    def family(self) -> list[psutil.Process]:
        try:
            return psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def kill(self) -> None:
        """End the guard and everything that it started, whoever its parent is by now."""
        self.process.kill()
        self.process.wait()
        while left := [process for process in psutil.process_iter() if self._started(process)]:
            for process in left:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        try:
            eventually(lambda: not open_transactions())
        except AssertionError:
            raise AssertionError(f"sessions outlive their processes: {open_transactions()}") from None

    def _started(self, process: psutil.Process) -> bool:
        try:
            return process.environ().get("TEST_CLUSTER") == self._mark
        except psutil.Error:
            return False

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def stop(self, within_s: float = 30.0) -> int:
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        return self.process.wait(timeout=within_s)


def open_transactions() -> list[tuple[str, str, str]]:
    """Transactions of other processes in this test's database: (state, what it waits for, statement)."""
    mine = {line.laddr.port for line in psutil.Process().net_connections("tcp")}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT client_port, state, coalesce(wait_event, ''), left(query, 200) FROM pg_stat_activity "
            "WHERE datname = current_database() AND xact_start IS NOT NULL AND client_port IS NOT NULL"
        )
        return [row[1:] for row in cursor.fetchall() if row[0] not in mine]


@contextmanager
def running_cluster(name: str, folder: Path, *, up_within_s: float = 40.0, **env: str) -> Iterator[Cluster]:
    """A cluster that is up; whatever is left of it afterwards is killed."""
    cluster = Cluster(name, folder / f"cluster-{name}.log", **env)
    try:
        cluster.wait_until_up(up_within_s)
        yield cluster
    finally:
        cluster.kill()
