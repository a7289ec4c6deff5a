"""The deletion of everything that was copied for an account."""

from __future__ import annotations

from django.db import models

from accounts.models import Organization
from accounts.querysets import ScopedQuerySet


class DeletionStatus(models.TextChoices):
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    STOPPED = "stopped", "Stopped: the account was connected again"


class AccountDeletion(models.Model):
    """How far deleting a disconnected account has come; it outlives the account as the proof.

    Whoever deletes holds the lease and moves it on with every batch; when it has run out, the next job goes
    on. `remaining` and `deleted` are rows by table; what is in no table any more is not counted again.
    """

    ORGANIZATION_LOOKUP = "organization_id"

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    account_id = models.BigIntegerField(help_text="Of an account that is gone when this is done")
    house_name = models.CharField(max_length=100)
    requested_by = models.CharField(max_length=200)
    requested_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    status = models.CharField(max_length=10, choices=DeletionStatus.choices, default=DeletionStatus.QUEUED)
    remaining = models.JSONField(default=dict)
    deleted = models.JSONField(default=dict)
    lease_id = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        db_table = "ebay_account_deletions"
        ordering = ["-requested_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["account_id"],
                condition=models.Q(finished_at=None),
                name="one_open_deletion_per_account",
            ),
        ]

    def __str__(self) -> str:
        return f"deletion of {self.house_name}"

    @property
    def rows_deleted(self) -> int:
        return int(sum(self.deleted.values()))

    @property
    def rows_total(self) -> int:
        return self.rows_deleted + int(sum(self.remaining.values()))

    @property
    def percent(self) -> int:
        if self.status == DeletionStatus.DONE:
            return 100
        # The account itself goes last.
        return min(99, 100 * self.rows_deleted // self.rows_total) if self.rows_total else 0
