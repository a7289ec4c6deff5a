"""Heartbeats of our processes: who runs, with which release and key ring, and who was asked to stop."""

from __future__ import annotations

import os
import socket
from datetime import timedelta

from django.conf import settings
from django.db.models.functions import Now
from django.utils import timezone

from . import sealing
from .models import ProcessHeartbeat

ALIVE = timedelta(seconds=30)


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


def beat_process(heartbeat_id: int) -> None:
    ProcessHeartbeat.objects.filter(pk=heartbeat_id).update(beat_at=Now())


def note_progress() -> None:
    """A job of this cluster got somewhere (also the canary's whole task); outside a cluster nothing."""
    heartbeat_id = current_heartbeat_id()
    if heartbeat_id is not None:
        ProcessHeartbeat.objects.filter(pk=heartbeat_id).update(progress_at=Now())


def current_heartbeat_id() -> int | None:
    """The heartbeat row of the cluster that runs us, from its guard; None outside a cluster."""
    value = os.environ.get("CLUSTER_HEARTBEAT_ID", "")
    return int(value) if value.isdigit() else None


def mark_stopping(heartbeat_id: int) -> None:
    """Jobs of this process see it at their next page, call or second of waiting."""
    ProcessHeartbeat.objects.filter(pk=heartbeat_id).update(stopping_at=Now())


def forget_process(heartbeat_id: int) -> None:
    ProcessHeartbeat.objects.filter(pk=heartbeat_id).delete()
