"""Runs: one execution of a worker. This table is the queue; django-q2 carries tickets."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from accounts.models import EbayAccount
from accounts.querysets import ScopedQuerySet
from tokens.models import ProcessHeartbeat


class RunStatus(models.TextChoices):
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    COMPLETED = "completed", "Completed"
    PARTIAL = "partial", "Partial"
    ERROR = "error", "Error"
    CANCELLED = "cancelled", "Cancelled"
    ABANDONED = "abandoned", "Abandoned"
    SKIPPED = "skipped", "Skipped"


ACTIVE = (RunStatus.QUEUED, RunStatus.RUNNING)


class Trigger(models.TextChoices):
    SCHEDULE = "schedule", "Schedule"
    MANUAL = "manual", "Run now"
    RUN_ALL = "run_all", "Run all"
    API = "api", "API"
    COMMAND = "command", "Command"
    CONNECT = "connect", "Connected"
    FOLLOW_UP = "follow_up", "Follow-up"
    RETRY = "retry", "Retry"


class Lane(models.IntegerChoices):
    MANUAL = 1, "Manual"
    SCHEDULE = 2, "Schedule"
    HISTORY = 3, "History"


class Reason(models.TextChoices):
    """Why a run did not simply complete, or was not started: the closed list."""

    # not started
    ALREADY_RUNNING = "already_running", "It is running already"
    DISABLED = "disabled", "The worker is switched off"
    WORKERS_DISABLED = "workers_disabled", "All workers are switched off"
    ACCOUNT_INACTIVE = "account_inactive", "The account is deactivated"
    NOT_CONNECTED = "not_connected", "The account is not connected"
    NEEDS_RECONNECT = "needs_reconnect", "The account must be reconnected"
    MISSING_SCOPE = "missing_scope", "The account did not grant the scope it needs"
    PAUSED = "paused", "eBay asked us to pause this API"
    QUOTA = "quota", "The day's quota is used up"
    BREAKER_OPEN = "breaker_open", "It failed five times in a row and pauses"
    NOT_IN_ENVIRONMENT = "not_in_environment", "eBay does not offer this API in the account's environment"
    # stopped by somebody
    CANCELLED = "cancelled", "Cancelled by a person"
    CLUSTER_STOPPING = "cluster_stopping", "Its process was asked to stop"
    SILENT = "silent", "Its process fell silent"
    # did not complete
    DRIFT = "drift", "Records moved while they were read"
    LIST_CUT = "list_cut", "eBay lists only a part of what there is"
    QUARANTINE = "quarantine", "Records could not be stored"
    EBAY_UNAVAILABLE = "ebay_unavailable", "eBay did not answer properly"
    EBAY_REFUSED = "ebay_refused", "eBay refused the request"
    SIGNATURE_REFUSED = "signature_refused", "eBay refused the message signature"
    TOKEN_UNAVAILABLE = "token_unavailable", "No access token could be had"
    BAD_CURSOR = "bad_cursor", "The stored cursor cannot be true"
    INTERNAL_ERROR = "internal_error", "A fault of ours"


class WorkerRun(models.Model):
    """The id is the fence: every page transaction begins by beating on this row while it is `running`."""

    ORGANIZATION_LOOKUP = "account__organization_id"

    # `runs_of_worker` begins with the account.
    account = models.ForeignKey(EbayAccount, on_delete=models.CASCADE, related_name="runs", db_index=False)
    api_family = models.CharField(max_length=40)
    api = models.CharField(max_length=40, help_text="The API whose pause holds this run back")
    status = models.CharField(max_length=20, choices=RunStatus.choices, default=RunStatus.QUEUED)
    reason = models.CharField(max_length=40, choices=Reason.choices, blank=True)
    lane = models.PositiveSmallIntegerField(choices=Lane.choices)
    trigger = models.CharField(max_length=20, choices=Trigger.choices)
    requested_by = models.CharField(max_length=200, blank=True)
    queued_at = models.DateTimeField()
    not_before = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)
    cancel_requested_by = models.CharField(max_length=200, blank=True)
    # `runs_of_process` has it; a queued run is in neither that index nor `runs_by_age`.
    process = models.ForeignKey(
        ProcessHeartbeat, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    attempt = models.PositiveSmallIntegerField(default=1)
    window_from = models.DateTimeField(null=True)
    window_to = models.DateTimeField(null=True)
    pages = models.PositiveIntegerField(default=0)
    rows_expected = models.PositiveIntegerField(default=0, help_text="By eBay's totals, as far as known")
    rows_fetched = models.PositiveIntegerField(default=0)
    rows_stored = models.PositiveIntegerField(default=0)
    rows_unchanged = models.PositiveIntegerField(default=0)
    rows_quarantined = models.PositiveIntegerField(default=0)
    more = models.BooleanField(default=False, help_text="A follow-up is queued")
    error = models.TextField(blank=True)
    summary_json = models.JSONField(default=dict)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        db_table = "ebay_worker_run"
        ordering = ["-id"]
        constraints = [
            # Two clicks, a schedule and an API call at once: the second becomes "already running".
            models.UniqueConstraint(
                fields=["account", "api_family"],
                condition=Q(status__in=["queued", "running"]),
                name="one_active_run",
            ),
        ]
        indexes = [
            # The claim: best queued run first.
            models.Index(fields=["lane", "queued_at"], condition=Q(status="queued"), name="runs_queued"),
            # The tick: running ones that fell silent; limits per account.
            models.Index(fields=["heartbeat_at"], condition=Q(status="running"), name="runs_running"),
            # Run list of a worker, newest first.
            models.Index(fields=["account", "api_family", "-id"], name="runs_of_worker"),
            # A process is forgotten.
            models.Index(fields=["process"], condition=Q(process__isnull=False), name="runs_of_process"),
            # Retention deletes by age.
            models.Index(fields=["finished_at"], condition=Q(finished_at__isnull=False), name="runs_by_age"),
        ]

    def __str__(self) -> str:
        return f"run {self.pk} of {self.api_family}, account {self.account_id}"


class WorkerLog(models.Model):
    """One line of a run's log: a page, a slice, a retry, an error."""

    ORGANIZATION_LOOKUP = "run__account__organization_id"

    run = models.ForeignKey(WorkerRun, on_delete=models.CASCADE, related_name="logs")
    created_at = models.DateTimeField(auto_now_add=True)
    level = models.CharField(max_length=10, default="info")
    event = models.CharField(max_length=40)
    message = models.TextField()
    detail = models.JSONField(default=dict)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        db_table = "ebay_api_worker_log"
        ordering = ["id"]
        indexes = [
            # Retention deletes by age.
            models.Index(fields=["created_at"], name="worker_log_by_age"),
        ]
