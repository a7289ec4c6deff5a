"""Heartbeats of our processes: who runs, with which release and key ring, and who was asked to stop."""

from __future__ import annotations

import os
import socket
from datetime import timedelta

from django.conf import settings
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from . import sealing
from .models import ProcessHeartbeat

ALIVE = timedelta(seconds=30)
# A process may be frozen, or cut off from the database, and come back: so long it counts as running.
PRESUMED_RUNNING = timedelta(minutes=10)


def register_process(kind: str, name: str) -> ProcessHeartbeat:
    """The heartbeat row of this process; a row that an earlier process with our pid left is taken over."""
    now = timezone.now()
    heartbeat, _ = ProcessHeartbeat.objects.update_or_create(
        host=socket.gethostname(),
        pid=os.getpid(),
        defaults={
            "kind": kind,
            "name": name,
            "release": settings.RELEASE,
            "key_ring": key_ring_fingerprint(),
            "key_ids": key_ring_ids(),
            "started_at": now,
            "beat_at": now,
            "progress_at": None,
            "stopping_at": None,
        },
    )
    return heartbeat


def key_ring_fingerprint() -> str:
    """'' when no key ring can be used: a difference that shows like any other."""
    try:
        return sealing.key_ring().fingerprint
    except sealing.KeyRingError:
        return ""


def key_ring_ids() -> list[str]:
    """Newest first; none when no key ring can be used."""
    try:
        return list(sealing.key_ring().ids)
    except sealing.KeyRingError:
        return []


def beat_process(heartbeat_id: int) -> bool:
    """False when the row is gone: retention took it while the database was away for long."""
    return ProcessHeartbeat.objects.filter(pk=heartbeat_id).update(beat_at=Now()) == 1


def note_progress() -> None:
    """A job of this cluster got somewhere (also the canary's whole task); outside a cluster nothing.

    The jobs' own release and key ring count: a cluster that its guard started anew may have read others.
    """
    heartbeat_id = current_heartbeat_id()
    if heartbeat_id is not None:
        ProcessHeartbeat.objects.filter(pk=heartbeat_id).update(
            progress_at=Now(),
            release=settings.RELEASE,
            key_ring=key_ring_fingerprint(),
            key_ids=key_ring_ids(),
        )


def live_processes() -> QuerySet[ProcessHeartbeat]:
    """Processes that reported within 30 s, by the database's clock."""
    return ProcessHeartbeat.objects.filter(beat_at__gt=Now() - ALIVE)


def odd_processes() -> list[tuple[ProcessHeartbeat, str]]:
    """Live processes that run with another key ring or release than this one, and which of the two."""
    own = {"key_ring": key_ring_fingerprint(), "release": settings.RELEASE}
    odd = live_processes().exclude(**own).order_by("kind", "name", "host", "pid")
    return [(process, _difference(process, own)) for process in odd]


def _difference(process: ProcessHeartbeat, own: dict[str, str]) -> str:
    words = {"key_ring": "another key ring", "release": "another release"}
    return " and ".join(words[name] for name, value in own.items() if getattr(process, name) != value)


def may_run_with_another_key_ring() -> list[ProcessHeartbeat]:
    """Processes that may still seal with another ring than ours: live ones, and those silent for minutes.

    Not those of this machine that fell silent and are gone.
    """
    heard = ProcessHeartbeat.objects.filter(beat_at__gt=Now() - PRESUMED_RUNNING)
    live = set(live_processes().values_list("pk", flat=True))
    return [
        process
        for process in heard.exclude(key_ring=key_ring_fingerprint()).order_by("kind", "name", "host", "pid")
        if process.pk in live or not _is_gone(process)
    ]


def _is_gone(process: ProcessHeartbeat) -> bool:
    if process.host != socket.gethostname():
        return False
    try:
        os.kill(process.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        # It is there, and another user's.
        pass
    return False


def current_heartbeat_id() -> int | None:
    """The heartbeat row of the cluster that runs us, from its guard; None outside a cluster."""
    value = os.environ.get("CLUSTER_HEARTBEAT_ID", "")
    return int(value) if value.isdigit() else None


def mark_stopping(heartbeat_id: int) -> None:
    """Jobs of this process see it at their next page, call or second of waiting."""
    ProcessHeartbeat.objects.filter(pk=heartbeat_id).update(stopping_at=Now())


def forget_process(heartbeat_id: int) -> None:
    ProcessHeartbeat.objects.filter(pk=heartbeat_id).delete()
