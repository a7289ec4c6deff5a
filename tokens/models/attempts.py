"""The record of every attempt to get or keep a token, and of the job that does it."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.models import EbayAccount, Organization
from accounts.querysets import ScopedQuerySet


class RefreshTrigger(models.TextChoices):
    SCHEDULED = "scheduled", "Scheduled"
    ADMIN = "admin", "Admin"
    DEBUG = "debug", "Debug"
    ON_DEMAND = "on_demand", "On demand"
    CONNECT = "connect", "Connect"


class TokenRefreshLog(models.Model):
    """One attempt to refresh. A row without `finished_at` belongs to an attempt that is under way or died."""

    ORGANIZATION_LOOKUP = "account__organization_id"

    account = models.ForeignKey(EbayAccount, on_delete=models.CASCADE, related_name="refresh_logs")
    triggered_by = models.CharField(max_length=20, choices=RefreshTrigger.choices)
    success = models.BooleanField(null=True)
    error_code = models.CharField(max_length=40, blank=True)
    error_message = models.TextField(blank=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    old_expires_at = models.DateTimeField(null=True)
    new_expires_at = models.DateTimeField(null=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        db_table = "ebay_token_refresh_log"
        ordering = ["-started_at", "-id"]
        indexes = [
            # Failures in row and the attempts of one account, newest first.
            models.Index(fields=["account", "-started_at"], name="refreshes_of_account"),
            # Retention deletes by age.
            models.Index(fields=["started_at"], name="refreshes_by_age"),
        ]


class ConnectLog(models.Model):
    """One exchange with eBay's identity service, masked, from the transport itself."""

    ORGANIZATION_LOOKUP = "organization_id"

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, null=True, related_name="+")
    account = models.ForeignKey(EbayAccount, on_delete=models.CASCADE, null=True, related_name="connect_logs")
    environment = models.CharField(max_length=20)
    action = models.CharField(max_length=40)
    source = models.CharField(max_length=40)
    request = models.JSONField(default=dict)
    response = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        db_table = "ebay_connect_logs"
        ordering = ["-created_at", "-id"]
        indexes = [
            # The terminal: newest first, for one account; retention deletes by age.
            models.Index(fields=["account", "-created_at"], name="exchanges_of_account"),
            models.Index(fields=["created_at"], name="exchanges_by_age"),
        ]


class BackgroundWorker(models.Model):
    """How a periodic job is doing. Only the schedule's own cycles move it (a rescue by hand does not)."""

    worker_name = models.CharField(max_length=60, unique=True)
    interval_seconds = models.PositiveIntegerField()
    last_started_at = models.DateTimeField(null=True)
    last_finished_at = models.DateTimeField(null=True)
    last_status = models.CharField(max_length=20, blank=True)
    last_error_message = models.TextField(blank=True)
    last_summary = models.JSONField(default=dict)
    runs_ok_in_row = models.PositiveIntegerField(default=0)
    runs_error_in_row = models.PositiveIntegerField(default=0)

    class Meta:
        db_table = "background_workers"

    def __str__(self) -> str:
        return self.worker_name


class RefreshCycle(models.Model):
    """One cycle of the scheduled refresh: checked, refreshed, and every error."""

    scheduled = models.BooleanField()
    status = models.CharField(max_length=20, blank=True, help_text="ok, partial, error; empty while it runs")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    accounts_checked = models.PositiveIntegerField(default=0)
    accounts_refreshed = models.PositiveIntegerField(default=0)
    errors = models.JSONField(default=list)
    open_chunks = ArrayField(models.IntegerField(), default=list, help_text="Chunks that have not reported")

    class Meta:
        ordering = ["-id"]
        indexes = [
            # Cycles whose chunk was lost are looked for at each start.
            models.Index(
                fields=["started_at"], condition=models.Q(finished_at=None), name="refresh_cycles_open"
            ),
        ]
