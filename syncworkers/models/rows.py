"""What every table of eBay data has in common."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from accounts.models import EbayAccount
from accounts.querysets import ScopedQuerySet

# The hash of what a list showed, where it shows the record no longer.
NOT_LISTED = b""


class SyncedRow(models.Model):
    """One record as eBay gave it last: columns that people filter by, beside the whole payload.

    Rows are written by `services.store` alone. `changed_at` moves only when something changed.
    `content_hash` is empty while eBay's list does not show the record (`services.details`). The natural key's
    constraint has the account last: `store` looks keys up by what comes first (docs/decisions.md).
    """

    ORGANIZATION_LOOKUP = "account__organization_id"

    account = models.ForeignKey(EbayAccount, on_delete=models.CASCADE, related_name="+")
    house_name = models.CharField(max_length=100, help_text="As it was when the row was written")
    payload = models.JSONField()
    content_hash = models.BinaryField(max_length=16)
    ebay_modified_at = models.DateTimeField("changed on eBay", null=True)
    first_seen_at = models.DateTimeField("first stored", db_default=Now())
    changed_at = models.DateTimeField("changed here", db_default=Now())
    closed_at = models.DateTimeField("gone from eBay since", null=True)
    erased_at = models.DateTimeField(
        "personal data taken out",
        null=True,
        help_text="When personal data was taken out of it, because eBay's user asked for it",
    )

    objects = ScopedQuerySet.as_manager()

    class Meta:
        abstract = True


class MaturingRow(SyncedRow):
    """A record that eBay changes without a change time: read again at `check_at` until it is final."""

    occurred_at = models.DateTimeField("created on eBay", null=True)
    maturity = models.CharField("may still change", max_length=10)
    check_at = models.DateTimeField("read again", null=True, help_text="Empty: it is final")

    class Meta:
        abstract = True


class DetailedRow(SyncedRow):
    """A record about which eBay says more when asked by its id, once for each version."""

    detail_at = models.DateTimeField("details read", null=True, help_text="Empty: still to be asked for")
    detail_retry_at = models.DateTimeField(
        "details asked again", null=True, help_text="After a failure: not before this"
    )

    class Meta:
        abstract = True
