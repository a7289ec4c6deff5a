"""What the executors measure; that they are alive is in `tokens.ProcessHeartbeat` (kind `sniper`)."""

from __future__ import annotations

from django.db import models

from tokens.models import ProcessHeartbeat


class ExecutorClock(models.Model):
    """One executor's latest idea of eBay's clock and of the way there, by environment.

    `offset_ms` is eBay's clock minus ours, `error_ms` how far it may be off either way (empty: not measured
    yet); the latencies are those of the last probes and bids, there and back.
    """

    process = models.ForeignKey(ProcessHeartbeat, on_delete=models.CASCADE, related_name="sniper_clocks")
    environment = models.CharField(max_length=20)
    offset_ms = models.FloatField(default=0.0)
    error_ms = models.FloatField(null=True)
    latency_p50_ms = models.FloatField(null=True)
    latency_p99_ms = models.FloatField(null=True)
    samples = models.PositiveIntegerField(default=0)
    measured_at = models.DateTimeField()

    class Meta:
        db_table = "ebay_sniper_clocks"
        constraints = [
            models.UniqueConstraint(fields=["process", "environment"], name="one_clock_per_executor"),
        ]

    def __str__(self) -> str:
        return f"{self.environment} as process {self.process_id} sees it"
