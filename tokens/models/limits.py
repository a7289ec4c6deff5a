"""What eBay lets us call, and when."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models

from accounts.models import EbayAccount
from tokens.quotas import Counts


class ApiPause(models.Model):
    """eBay asked us to stop calling an API (429, 518): nobody calls it before `until`."""

    environment = models.CharField(max_length=20)
    api = models.CharField(max_length=40)
    account = models.ForeignKey(
        EbayAccount, on_delete=models.CASCADE, null=True, related_name="+",
        help_text="Set when only this account is limited",
    )  # fmt: skip
    until = models.DateTimeField()
    reason = models.CharField(max_length=300)
    set_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["environment", "api", "account"], name="one_pause_per_api", nulls_distinct=False
            ),
        ]


class ApiQuota(models.Model):
    """The calls of one application to one API in eBay's day that ends at `reset_at`.

    Used are: `made` (reported by our processes, or eBay's own count where that is higher) and what processes
    hold and have not reported: `held` since `held_since`, `held_before` in the ten minutes before. What is
    older is forgotten: its process is dead (`allowances`).
    """

    environment = models.CharField(max_length=20)
    client_id = models.CharField(max_length=200)
    api = models.CharField(max_length=40)
    daily_limit = models.PositiveIntegerField()
    reset_at = models.DateTimeField()
    made = models.PositiveIntegerField(default=0)
    held = models.PositiveIntegerField(default=0)
    held_before = models.PositiveIntegerField(default=0)
    held_since = models.DateTimeField()
    history_used = models.PositiveIntegerField(default=0, help_text="Of these, for old data")
    scheduled_per_day = models.FloatField(
        default=0, help_text="What the schedule would like to call in a day"
    )
    reported_count = models.PositiveIntegerField(null=True, help_text="eBay's own count, which lags behind")
    reported_at = models.DateTimeField(
        null=True, help_text="When eBay's numbers were read; the limit is theirs"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["environment", "client_id", "api"], name="one_quota_per_api"),
        ]

    def __str__(self) -> str:
        return f"{self.api} in {self.environment}"

    @property
    def used(self) -> int:
        return self.made + self.held + self.held_before

    def counts(self, now: datetime) -> Counts:
        """As the rules of `quotas` want them; a day that is over counts as a fresh one."""
        over = self.reset_at <= now
        return Counts(
            limit=self.daily_limit,
            used=0 if over else self.used,
            history_used=0 if over else self.history_used,
            scheduled_per_day=self.scheduled_per_day,
            left=timedelta(days=1) if over else self.reset_at - now,
        )
