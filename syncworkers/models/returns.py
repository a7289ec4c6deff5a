"""What buyers send back (Post-Order returns, 03 §7.3). One order may have several returns."""

from __future__ import annotations

from django.db import models

from .rows import DetailedRow, MaturingRow, SyncedRow

_NOT_FINAL = models.Q(check_at__isnull=False)
_DETAIL_DUE = models.Q(detail_at=None)


class Return(MaturingRow, DetailedRow):
    """Natural key: (account, return_id). `occurred_at` is its creation; eBay gives no time of change.

    `state` and `status` are different enumerations of eBay's. `last_activity_at` (of either side) and
    `close_reason` are what the details tell; empty until they were read.
    """

    return_id = models.CharField(max_length=100)
    order_id = models.CharField(max_length=100, blank=True)
    item_id = models.CharField(max_length=100, blank=True)
    transaction_id = models.CharField(max_length=100, blank=True)
    quantity = models.IntegerField(null=True)
    buyer = models.CharField(max_length=200, blank=True)
    seller = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=60, blank=True)
    status = models.CharField(max_length=60, blank=True)
    return_type = models.CharField("type", max_length=60, blank=True)
    reason = models.CharField(max_length=100, blank=True)
    reason_type = models.CharField("kind of reason", max_length=60, blank=True)
    refund_estimated = models.DecimalField(max_digits=20, decimal_places=4, null=True)
    refund_actual = models.DecimalField(max_digits=20, decimal_places=4, null=True)
    currency = models.CharField(max_length=10, blank=True)
    activity_due = models.CharField(
        "what the seller is to do", max_length=100, blank=True, help_text="What the seller is to do"
    )
    respond_by_at = models.DateTimeField("answer due", null=True)
    case_id = models.CharField(max_length=100, blank=True, help_text="What it was escalated to")
    last_activity_at = models.DateTimeField("last activity", null=True)
    close_reason = models.CharField("why it was closed", max_length=100, blank=True, db_default="")

    class Meta:
        db_table = "ebay_returns"
        ordering = ["-occurred_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["return_id", "account"], name="one_row_per_return"),
        ]
        indexes = [
            # API and CSV: updated_since, in the order of (changed_at, id).
            models.Index(fields=["changed_at", "id"], name="returns_by_change"),
            # The list of one account, newest first; spans of time that are read again.
            models.Index(fields=["account", "-occurred_at"], name="returns_of_account"),
            # The admin's list over all accounts.
            models.Index(fields=["-occurred_at", "-id"], name="returns_by_time"),
            # What is open and due to be read again.
            models.Index(fields=["account", "check_at"], condition=_NOT_FINAL, name="returns_to_check"),
            # What eBay is still to be asked about by id.
            models.Index(fields=["account", "-id"], condition=_DETAIL_DUE, name="returns_to_detail"),
            # Returns of an item or a sale: how they are linked to their order.
            models.Index(fields=["account", "item_id", "transaction_id"], name="returns_by_item"),
            # Returns of an order.
            models.Index(fields=["account", "order_id"], name="returns_by_order"),
        ]

    def __str__(self) -> str:
        return self.return_id


class ReturnDetail(SyncedRow):
    """Both of what eBay says about a return by its id. Natural key: (account, return_id)."""

    return_id = models.CharField(max_length=100)
    state = models.CharField(max_length=60, blank=True)
    status = models.CharField(max_length=60, blank=True)
    last_activity_at = models.DateTimeField("last activity", null=True)
    close_reason = models.CharField("why it was closed", max_length=100, blank=True)

    class Meta:
        db_table = "ebay_return_details"
        ordering = ["-changed_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["return_id", "account"], name="one_row_per_return_detail"),
        ]
        indexes = [
            # API and CSV: updated_since, in the order of (changed_at, id); backwards, the admin's list.
            models.Index(fields=["changed_at", "id"], name="return_details_by_change"),
        ]

    def __str__(self) -> str:
        return self.return_id
