"""Passes over what eBay gives only whole: how far the present one is, and what was missing from the last."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import EbayAccount
from accounts.querysets import ScopedQuerySet


class SnapshotPass(models.Model):
    """One pass over everything of a family. It survives runs and crashes; `position` is where it goes on."""

    ORGANIZATION_LOOKUP = "account__organization_id"

    # `one_open_pass` and `passes_of_worker` begin with the account.
    account = models.ForeignKey(EbayAccount, on_delete=models.CASCADE, related_name="+", db_index=False)
    api_family = models.CharField("worker", max_length=40)
    started_at = models.DateTimeField("began", db_default=Now())
    position = models.TextField(
        "where the list goes on", blank=True, help_text="Where the list goes on, in eBay's terms"
    )
    listed_at = models.DateTimeField("list complete", null=True, help_text="When the list was complete")
    total = models.PositiveIntegerField(null=True, help_text="eBay's total on the first page")
    listed = models.PositiveIntegerField(default=0)
    asked = models.PositiveIntegerField(
        "asked one by one", default=0, help_text="Listed records asked about one by one"
    )
    asked_up_to = models.BigIntegerField(
        "last row asked about", default=0, help_text="The id of the last row asked about"
    )
    cut = models.BooleanField(
        "cut off by eBay",
        default=False,
        db_default=False,
        help_text="eBay's list ended before everything was listed",
    )
    finished_at = models.DateTimeField("ended", null=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        verbose_name = "pass"
        verbose_name_plural = "passes"
        constraints = [
            # A run and its successor after a crash go on with the same pass.
            models.UniqueConstraint(
                fields=["account", "api_family"], condition=Q(finished_at=None), name="one_open_pass"
            ),
        ]
        indexes = [
            # The last pass of a worker, for the board; retention deletes by age.
            models.Index(fields=["account", "api_family", "-id"], name="passes_of_worker"),
        ]

    def __str__(self) -> str:
        return f"pass {self.pk}"


class SnapshotPart(models.Model):
    """What one page of a pass showed: ids of rows, and keys that could not be stored or asked about."""

    ORGANIZATION_LOOKUP = "snapshot_pass__account__organization_id"

    snapshot_pass = models.ForeignKey(SnapshotPass, on_delete=models.CASCADE, related_name="parts")
    table = models.CharField(max_length=40)
    row_ids = ArrayField(models.BigIntegerField())
    bad_keys = ArrayField(models.CharField(max_length=200), default=list)
    units = ArrayField(models.CharField(max_length=200), default=list, help_text="What eBay's total counts")

    objects = ScopedQuerySet.as_manager()


class SnapshotMiss(models.Model):
    """An open row that the last complete pass did not show: the next one that misses it closes it."""

    ORGANIZATION_LOOKUP = "account__organization_id"

    account = models.ForeignKey(EbayAccount, on_delete=models.CASCADE, related_name="+", db_index=False)
    table = models.CharField(max_length=40)
    row_id = models.BigIntegerField()
    missed_at = models.DateTimeField(db_default=Now())

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "table", "row_id"], name="one_miss_per_row"),
        ]
