"""Whether an account's tokens work, checked at least hourly."""

from __future__ import annotations

from django.db import models

from accounts.models import EbayAccount
from accounts.querysets import ScopedQuerySet


class CheckedBy(models.TextChoices):
    CALL = "call", "A call of a worker"
    IDENTITY = "identity", "Identity getUser"
    TRADING = "trading", "Trading GetUser"


class HealthCheck(models.Model):
    """One authenticated call, or the attempt at one, that says how an account is doing.

    `error_code` is a word ('' when it is well); `latency_ms` is empty when nothing was answered.
    """

    ORGANIZATION_LOOKUP = "account__organization_id"

    # `health_of_account` begins with the account.
    account = models.ForeignKey(
        EbayAccount, on_delete=models.CASCADE, related_name="health_checks", db_index=False
    )
    checked_at = models.DateTimeField()
    checked_by = models.CharField(max_length=20, choices=CheckedBy.choices)
    ok = models.BooleanField()
    latency_ms = models.PositiveIntegerField(null=True)
    error_code = models.CharField(max_length=40, blank=True)
    error = models.TextField(blank=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        db_table = "ebay_health_checks"
        ordering = ["-checked_at", "-id"]
        indexes = [
            # The account's latest check, and its history.
            models.Index(fields=["account", "-checked_at"], name="health_of_account"),
            # Retention deletes by age.
            models.Index(fields=["checked_at"], name="health_by_age"),
        ]
