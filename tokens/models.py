"""May we: consent, sealed tokens, and the record of every attempt to get or keep them."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.models import EbayAccount, Organization, Purpose, User
from accounts.querysets import ScopedQuerySet


class EbayToken(models.Model):
    """The sealed user tokens of one account, and the lease of whoever refreshes them.

    `version` grows with every finished attempt; `consent_version` with every consent, so that a verdict
    on an old consent never lands on a new one.
    """

    ORGANIZATION_LOOKUP = "account__organization_id"

    account = models.OneToOneField(EbayAccount, on_delete=models.CASCADE, related_name="token")
    access_token_sealed = models.TextField(blank=True)
    refresh_token_sealed = models.TextField(blank=True)
    granted_scopes = ArrayField(models.CharField(max_length=200), default=list)
    consented_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    refresh_token_expires_at = models.DateTimeField(null=True)
    last_refreshed_at = models.DateTimeField(null=True)
    last_refreshed_by = models.CharField(max_length=20, blank=True)
    refresh_error = models.TextField(
        blank=True, help_text="<code>: <text>; cleared by a success or a reconnect"
    )
    next_attempt_at = models.DateTimeField(null=True, help_text="No attempt before this, after a failure")
    lease_id = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    version = models.PositiveBigIntegerField(default=1)
    consent_version = models.PositiveBigIntegerField(default=1)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        db_table = "ebay_tokens"
        indexes = [
            # The scheduled refresh asks for tokens that expire soon.
            models.Index(fields=["expires_at"], name="token_by_expiry"),
        ]

    def __str__(self) -> str:
        return f"token of account {self.account_id}"


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


class ScopeDefinition(models.Model):
    """A scope that eBay knows. Inactive ones are never requested: one unknown scope breaks a consent."""

    scope = models.CharField(max_length=200, unique=True)
    grant_type = models.CharField(
        max_length=10, choices=[("user", "User"), ("client", "Application"), ("both", "Both")]
    )
    needed_by = models.CharField(max_length=200, blank=True)
    is_active = models.BooleanField(default=True)

    class Meta:
        db_table = "ebay_scope_definitions"
        ordering = ["scope"]

    def __str__(self) -> str:
        return self.scope


class ConnectTicket(models.Model):
    """One attempt to connect or reconnect: a one-use link of ours, then a one-use `state` at eBay.

    Only hashes of the link's secret and of the browser's cookie are stored.
    """

    ORGANIZATION_LOOKUP = "organization_id"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    account = models.ForeignKey(
        EbayAccount, on_delete=models.CASCADE, null=True, related_name="+", help_text="Set for a reconnect"
    )
    house_name = models.CharField(max_length=100)
    purpose = models.CharField(max_length=10, choices=Purpose.choices)
    environment = models.CharField(max_length=20)
    scopes = ArrayField(models.CharField(max_length=200))
    secret_hash = models.CharField(max_length=64, unique=True)
    cookie_hash = models.CharField(max_length=64, blank=True)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_by_label = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)
    link_expires_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    returned_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=200, blank=True)
    connected_account = models.ForeignKey(EbayAccount, on_delete=models.SET_NULL, null=True, related_name="+")

    objects = ScopedQuerySet.as_manager()


class ApplicationToken(models.Model):
    """A sealed client-credentials token, shared by all processes; minted by whoever holds the lease."""

    environment = models.CharField(max_length=20)
    client_id = models.CharField(max_length=200)
    scopes_key = models.CharField(max_length=500, help_text="The sorted scopes, space-separated")
    token_sealed = models.TextField(blank=True)
    minted_at = models.DateTimeField(null=True)
    renew_at = models.DateTimeField(null=True)
    lease_id = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["environment", "client_id", "scopes_key"], name="one_application_token"
            ),
        ]


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


class ProcessHeartbeat(models.Model):
    """A running process of ours: release and key ring, so that nobody runs with another one unseen."""

    host = models.CharField(max_length=200)
    pid = models.PositiveIntegerField()
    kind = models.CharField(max_length=20, help_text="web, cluster, sniper")
    name = models.CharField(max_length=40)
    release = models.CharField(max_length=100)
    key_ring = models.CharField(max_length=20)
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
