"""Running processes of ours."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models


class ProcessHeartbeat(models.Model):
    """A running process of ours: release and key ring, so that nobody runs with another one unseen."""

    host = models.CharField(max_length=200)
    pid = models.PositiveIntegerField()
    kind = models.CharField(max_length=20, help_text="web, cluster, sniper")
    name = models.CharField(max_length=40)
    release = models.CharField(max_length=100)
    key_ring = models.CharField(max_length=20)
    key_ids = ArrayField(
        models.CharField(max_length=8),
        null=True,
        help_text="The ring's keys; null: a release that did not say",
    )
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField()
    progress_at = models.DateTimeField(
        null=True, help_text="Last time a job of this cluster was seen to move"
    )
    stopping_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["host", "pid"], name="one_heartbeat_per_process")]

    def __str__(self) -> str:
        return f"{self.kind} {self.name} on {self.host} ({self.pid})"
