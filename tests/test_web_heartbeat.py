"""The web process says that it runs, and with which key ring and release; others name what differs."""

from __future__ import annotations

import base64
import subprocess
import sys
from concurrent.futures import Executor, Future
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.utils import timezone

from accounts.models import User
from ebayconnector import web_heartbeat
from ebayconnector.web_heartbeat import WebHeartbeat
from tests.processes import child_env
from tests.test_health import heartbeat, ready
from tests.waiting import eventually
from tokens import sealing
from tokens.models import ProcessHeartbeat
from tokens.processes import note_progress


class Here(Executor):
    """Runs what it is given at once, or keeps it."""

    def __init__(self) -> None:
        self.ran, self.busy = 0, False

    def submit(self, work):
        future: Future = Future()
        if not self.busy:
            work()
            self.ran += 1
            future.set_result(None)
        return future


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(web_heartbeat, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def test_it_beats_every_five_seconds_and_never_twice_at_once(transactional_db, clock):
    heartbeat, pool = WebHeartbeat(), Here()
    for seconds, beats in ((0, 1), (4, 1), (1.1, 2), (1, 2), (5, 3)):
        clock[0] += seconds
        heartbeat.beat_when_due(pool)
        assert pool.ran == beats
    pool.busy = True
    clock[0] += 6
    heartbeat.beat_when_due(pool)
    pool.busy = False
    clock[0] += 60
    heartbeat.beat_when_due(pool)
    assert pool.ran == 3, "the one before has not ended"
    row = ProcessHeartbeat.objects.get()
    assert (row.kind, row.name, row.key_ring) == ("web", "gunicorn", sealing.key_ring().fingerprint)


def test_a_row_that_has_gone_is_made_again_and_the_end_removes_it(transactional_db):
    heartbeat = WebHeartbeat()
    heartbeat.beat()
    ProcessHeartbeat.objects.all().delete()
    heartbeat.beat()
    old = timezone.now() - timedelta(minutes=5)
    ProcessHeartbeat.objects.update(beat_at=old)
    heartbeat.beat()
    assert ProcessHeartbeat.objects.get().beat_at > old
    heartbeat.end()
    assert not ProcessHeartbeat.objects.exists()


@pytest.mark.parametrize("field", ["key_ring", "release"])
def test_the_dashboard_and_the_keys_page_name_what_differs(db, field):
    heartbeat("tokens", 99, **{"release": django_settings.RELEASE, field: "another"})
    heartbeat("core", 98, release=django_settings.RELEASE)
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    words = f"cluster tokens on h (99) runs with another {field.replace('_', ' ')}"
    dashboard = client.get("/admin/").content.decode()
    assert words in dashboard
    assert "cluster core on h (98) runs" not in dashboard
    # As the dot of a badge, with its word.
    page = client.get("/admin/tokens/keys/rows/").content.decode()
    assert page.count("ec-badge ec-red") == 1


def test_a_clusters_row_says_what_its_jobs_run_with(db, monkeypatch, settings):
    row = heartbeat("sync", 99, key_ring="that of the guard", release="older")
    monkeypatch.setenv("CLUSTER_HEARTBEAT_ID", str(row.pk))
    settings.RELEASE = "newer"
    note_progress()
    row.refresh_from_db()
    assert (row.key_ring, row.release) == (sealing.key_ring().fingerprint, "newer")


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_web_process_with_another_key_ring_and_release_is_named(tmp_path):
    other = base64.b64encode(bytes(range(7, 39))).decode()
    command = [
        sys.executable, "-m", "gunicorn", "ebayconnector.wsgi:application", "--bind", "127.0.0.1:0",
        "--config", str(django_settings.BASE_DIR / "gunicorn.conf.py"), "--workers", "1",
    ]  # fmt: skip
    with (tmp_path / "web.log").open("wb") as log, subprocess.Popen(
        command, env=child_env(TOKEN_ENCRYPTION_KEYS=other, RELEASE="older"), cwd=django_settings.BASE_DIR,
        stdout=log, stderr=log,
    ) as process:  # fmt: skip
        try:
            row = eventually(
                lambda: ProcessHeartbeat.objects.filter(kind="web").first(), what="it reports", within_s=15
            )
            assert (row.release, row.key_ring) == (
                "older",
                sealing.KeyRing([bytes(range(7, 39))]).fingerprint,
            )
            _, checks = ready()
            assert checks["key_ring"]["detail"] == "web gunicorn runs with another key ring than this process"
            assert checks["release"]["detail"] == "web gunicorn runs with another release than this process"
            process.terminate()
            process.wait(timeout=20)
            assert not ProcessHeartbeat.objects.exists()
        finally:
            process.kill()
    assert "Traceback" not in (tmp_path / "web.log").read_text()
