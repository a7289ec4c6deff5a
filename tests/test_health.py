"""`/healthz` and `/readyz`."""

import socket
from datetime import timedelta

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone

from tokens.models import ProcessHeartbeat
from tokens.processes import key_ring_fingerprint

CLUSTERS = ("core", "tokens", "sync")


def heartbeat(name, pid, **values):
    now = timezone.now()
    defaults = {
        "release": "development",
        "key_ring": key_ring_fingerprint(),
        "started_at": now,
        "beat_at": now,
    }
    return ProcessHeartbeat.objects.create(
        host="h", pid=pid, name=name, **{"kind": "cluster", **defaults, **values}
    )


@pytest.fixture
def clusters(db, settings):
    settings.RELEASE = "development"
    return [heartbeat(name, pid) for pid, name in enumerate(CLUSTERS)]


def ready():
    response = Client().get("/readyz")
    checks = {check["name"]: check for check in response.json()["checks"]}
    assert all(set(check) == {"name", "ok", "detail"} for check in checks.values())
    return response.status_code, checks


def test_healthz_answers_without_a_database():
    response = Client().get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_ready_when_everything_runs(clusters):
    status, checks = ready()
    assert status == 200, checks
    assert set(checks) == {"database", "migrations", "clusters", "sniper", "release", "key_ring"}
    assert all(check["ok"] and check["detail"] == "" for check in checks.values())


@pytest.mark.parametrize("name", CLUSTERS)
@pytest.mark.parametrize("how", [{"beat_at": timedelta(seconds=-31)}, {"stopping_at": timedelta(0)}])
def test_a_cluster_that_is_silent_or_stopping_is_missed(clusters, name, how):
    field, age = next(iter(how.items()))
    ProcessHeartbeat.objects.filter(name=name).update(**{field: timezone.now() + age})
    status, checks = ready()
    assert (status, checks["clusters"]["ok"]) == (503, False)
    assert name in checks["clusters"]["detail"]


@pytest.mark.parametrize(("field", "check"), [("release", "release"), ("key_ring", "key_ring")])
def test_a_process_that_differs_is_named(clusters, field, check):
    heartbeat("1", 99, kind="sniper", **{field: "another"})
    status, checks = ready()
    assert (status, checks[check]["ok"]) == (503, False)
    assert "sniper 1" in checks[check]["detail"]


def test_a_process_that_died_long_ago_does_not_differ(clusters):
    heartbeat("old", 99, release="older", beat_at=timezone.now() - timedelta(minutes=5))
    assert ready()[0] == 200


def test_no_usable_key_ring(clusters, settings):
    settings.TOKEN_ENCRYPTION_KEYS = []
    status, checks = ready()
    assert (status, checks["key_ring"]["ok"]) == (503, False)


def test_a_missing_migration(clusters):
    MigrationRecorder.Migration.objects.filter(app="syncworkers").delete()
    status, checks = ready()
    assert (status, checks["migrations"]["ok"]) == (503, False)


@pytest.mark.django_db(transaction=True)
def test_a_database_that_does_not_answer(monkeypatch):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        connection.close()
        monkeypatch.setitem(connection.settings_dict, "HOST", "127.0.0.1")
        monkeypatch.setitem(connection.settings_dict, "PORT", str(nobody.getsockname()[1]))
        status, checks = ready()
        connection.close()
    monkeypatch.undo()
    assert status == 503
    assert checks["database"]["detail"] == "the database does not answer"


def test_no_secret_and_no_fingerprint_is_told(clusters, settings):
    heartbeat("1", 99, key_ring="abcdef012345", release="9.9.9")
    text = Client().get("/readyz").content.decode()
    for secret in (key_ring_fingerprint(), "abcdef012345", "9.9.9", *settings.TOKEN_ENCRYPTION_KEYS):
        assert secret not in text


@pytest.mark.parametrize("address", ["/healthz", "/readyz", "/healthz/", "/readyz/"])
def test_probes_only_read(db, address):
    assert Client().post(address).status_code == 405
