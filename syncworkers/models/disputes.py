"""Payment disputes (Fulfillment, 03 §4.3): buyers who asked their bank for the money back."""

from __future__ import annotations

from django.db import models

from .rows import DetailedRow, SyncedRow


class PaymentDispute(DetailedRow):
    """Natural key: (account, payment_dispute_id). `ended_at` is eBay's closedDate.

    eBay says only in the details that something changed: `revision` grows with it. It, `seller_response`,
    `outcome` and `protection_status` are empty until they were read.
    """

    payment_dispute_id = models.CharField(max_length=100)
    order_id = models.CharField(max_length=100, blank=True)
    buyer = models.CharField(max_length=200, blank=True)
    dispute_status = models.CharField("status", max_length=40, blank=True)
    reason = models.CharField(max_length=60, blank=True)
    amount = models.DecimalField(max_digits=20, decimal_places=4, null=True)
    currency = models.CharField(max_length=10, blank=True)
    opened_at = models.DateTimeField("opened", null=True)
    respond_by_at = models.DateTimeField("answer due", null=True)
    ended_at = models.DateTimeField("closed", null=True)
    revision = models.IntegerField(null=True)
    seller_response = models.CharField("what the seller answered", max_length=60, blank=True, db_default="")
    outcome = models.CharField(max_length=60, blank=True, db_default="")
    protection_status = models.CharField("seller protection", max_length=60, blank=True, db_default="")

    class Meta:
        db_table = "ebay_payment_disputes"
        ordering = ["-opened_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["payment_dispute_id", "account"], name="one_row_per_dispute"),
        ]
        indexes = [
            # API and CSV: updated_since, in the order of (changed_at, id).
            models.Index(fields=["changed_at", "id"], name="disputes_by_change"),
            # The list of one account, newest first.
            models.Index(fields=["account", "-opened_at"], name="disputes_of_account"),
            # The admin's list over all accounts.
            models.Index(fields=["-opened_at", "-id"], name="disputes_by_time"),
            # Disputes of an order.
            models.Index(fields=["account", "order_id"], name="disputes_by_order"),
        ]

    def __str__(self) -> str:
        return self.payment_dispute_id


class PaymentDisputeDetail(SyncedRow):
    """What eBay says about a dispute by its id. Natural key: (account, payment_dispute_id)."""

    payment_dispute_id = models.CharField(max_length=100)
    revision = models.IntegerField(null=True)
    seller_response = models.CharField("what the seller answered", max_length=60, blank=True)
    outcome = models.CharField(max_length=60, blank=True)
    protection_status = models.CharField("seller protection", max_length=60, blank=True)

    class Meta:
        db_table = "ebay_payment_dispute_details"
        ordering = ["-changed_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["payment_dispute_id", "account"], name="one_row_per_dispute_detail"
            ),
        ]
        indexes = [
            # API and CSV: updated_since, in the order of (changed_at, id); backwards, the admin's list.
            models.Index(fields=["changed_at", "id"], name="dispute_details_by_change"),
        ]

    def __str__(self) -> str:
        return self.payment_dispute_id
