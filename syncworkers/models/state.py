"""Coverage and switches: what is complete, what is missing, and who may run."""

from __future__ import annotations

from datetime import datetime

from django.db import models

from accounts.models import EbayAccount, Organization, User
from accounts.querysets import ScopedQuerySet
from syncworkers.ranges import Span, SpansField


class SyncState(models.Model):
    """A worker: one family of one account. `covered` is the truth; gaps are wanted less covered."""

    ORGANIZATION_LOOKUP = "account__organization_id"

    # `one_worker_per_family` begins with the account.
    account = models.ForeignKey(
        EbayAccount, on_delete=models.CASCADE, related_name="sync_states", db_index=False
    )
    api_family = models.CharField("worker", max_length=40)
    enabled = models.BooleanField(default=True)
    cursor_type = models.CharField(max_length=40, blank=True)
    covered = SpansField(default=list)
    wanted_from = models.DateTimeField(
        null=True, help_text="How far back; empty: the family's backfill setting"
    )
    next_run_at = models.DateTimeField(null=True)
    last_run_at = models.DateTimeField(null=True)
    last_success_at = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True)
    snapshot_at = models.DateTimeField(
        null=True, help_text="When the last complete pass began, for what is read whole"
    )
    statuses_asked_at = models.DateTimeField(
        null=True, help_text="When eBay was last asked what is not final yet"
    )
    late_read_at = models.DateTimeField(
        null=True, help_text="Until when eBay's records were looked for that become visible late"
    )
    refused_parts = models.JSONField(
        null=True, help_text="Parts of the worker that eBay refused for want of a scope, and when"
    )
    linked_until = models.DateTimeField(
        null=True, help_text="What changed since then is still to be linked to its order"
    )
    failed_in_row = models.PositiveIntegerField(default=0)
    breaker_until = models.DateTimeField(null=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        db_table = "ebay_sync_state"
        ordering = ["account", "api_family"]
        constraints = [
            models.UniqueConstraint(fields=["account", "api_family"], name="one_worker_per_family"),
        ]
        # No index on next_run_at: the tick changes it in every row, and its pages keep room for that.

    def __str__(self) -> str:
        return f"{self.api_family} of account {self.account_id}"

    @property
    def complete_until(self) -> datetime | None:
        """The upper end of the coverage, or the start of the last complete pass; None before the first."""
        return self.covered[-1].end if self.covered else self.snapshot_at

    @property
    def cursor_value(self) -> str:
        """`complete_until` as ISO text, '' for None."""
        return self.complete_until.isoformat() if self.complete_until else ""


class FailedSlice(models.Model):
    """A span that could not be completed: it stays a gap and is tried again at `retry_at`."""

    ORGANIZATION_LOOKUP = "account__organization_id"

    account = models.ForeignKey(EbayAccount, on_delete=models.CASCADE, related_name="+")
    api_family = models.CharField("worker", max_length=40)
    start_at = models.DateTimeField("from")
    end_at = models.DateTimeField("until")
    reason = models.CharField(max_length=40)
    evidence = models.TextField(blank=True)
    attempts = models.PositiveIntegerField(default=1)
    failed_at = models.DateTimeField("failed")
    retry_at = models.DateTimeField("next try")

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "api_family", "start_at", "end_at"], name="one_failure_per_slice"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.start_at:%Y-%m-%d %H:%M:%S} to {self.end_at:%Y-%m-%d %H:%M:%S}"

    @property
    def span(self) -> Span:
        return Span(self.start_at, self.end_at)


class QuarantinedRecord(models.Model):
    """One record that could not be stored, with its evidence; the rest of its page was."""

    ORGANIZATION_LOOKUP = "account__organization_id"

    account = models.ForeignKey(EbayAccount, on_delete=models.CASCADE, related_name="+")
    api_family = models.CharField("worker", max_length=40)
    record_key = models.CharField(
        "record", max_length=200, help_text="Its natural key, or a hash of one that has none"
    )
    evidence = models.JSONField()
    error = models.TextField()
    start_at = models.DateTimeField(
        "from",
        null=True,
        help_text="The smallest known span of eBay's time that holds it; empty: not read by time",
    )
    end_at = models.DateTimeField("until", null=True)
    attempts = models.PositiveIntegerField(default=1)
    first_seen_at = models.DateTimeField("first seen", auto_now_add=True)
    last_seen_at = models.DateTimeField("last seen")
    healed_at = models.DateTimeField("healed", null=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "api_family", "record_key"], name="one_quarantine_row"
            ),
        ]

    def __str__(self) -> str:
        return self.record_key


class SyncSwitch(models.Model):
    """The BIG RED BUTTON: one per organisation, and one (organisation empty) for the installation."""

    organization = models.OneToOneField(
        Organization, on_delete=models.CASCADE, null=True, related_name="sync_switch"
    )
    enabled = models.BooleanField(default=True)
    reason = models.CharField(max_length=300, blank=True)
    changed_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    changed_by_label = models.CharField(max_length=200, blank=True)
    changed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            # OneToOne allows many rows without an organisation; there is one installation.
            models.UniqueConstraint(fields=["organization"], name="one_switch", nulls_distinct=False),
        ]

    def __str__(self) -> str:
        return f"switch of {self.organization or 'the installation'}"
