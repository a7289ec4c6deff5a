"""Cases and inquiries (Post-Order, 03 §7.1, 7.2), and what eBay says about one by its id.

Neither names its order: `services.links` fills `order_id` by item and transaction. The columns that only the
details know stand in both tables: on the record for filtering, in the details as they came."""

from __future__ import annotations

from django.db import models

from .rows import DetailedRow, MaturingRow, SyncedRow

_NOT_FINAL = models.Q(check_at__isnull=False)
_DETAIL_DUE = models.Q(detail_at=None)


class Case(MaturingRow, DetailedRow):
    """Natural key: (account, case_id). `occurred_at` is its creation.

    From `case_type` to `refund_due_at` the details tell; empty until they were read.
    """

    case_id = models.CharField(max_length=100)
    item_id = models.CharField(max_length=100, blank=True)
    transaction_id = models.CharField(max_length=100, blank=True)
    order_id = models.CharField(max_length=100, blank=True, db_default="")
    buyer = models.CharField(max_length=200, blank=True)
    seller = models.CharField(max_length=200, blank=True)
    case_status = models.CharField("status", max_length=60, blank=True)
    claim_amount = models.DecimalField(max_digits=20, decimal_places=4, null=True)
    currency = models.CharField(max_length=10, blank=True)
    respond_by_at = models.DateTimeField("answer due", null=True)
    case_type = models.CharField("type", max_length=60, blank=True, db_default="")
    initiator = models.CharField("opened by", max_length=60, blank=True, db_default="")
    escalate_reason = models.CharField("why it was escalated", max_length=100, blank=True, db_default="")
    return_id = models.CharField(max_length=100, blank=True, db_default="", help_text="What it came from")
    escalated_at = models.DateTimeField("escalated", null=True)
    refund_due_at = models.DateTimeField("refund due", null=True)

    class Meta:
        db_table = "ebay_cases"
        ordering = ["-occurred_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["case_id", "account"], name="one_row_per_case"),
        ]
        indexes = [
            # API and CSV: updated_since, in the order of (changed_at, id).
            models.Index(fields=["changed_at", "id"], name="cases_by_change"),
            # The list of one account, newest first; spans of time that are read again.
            models.Index(fields=["account", "-occurred_at"], name="cases_of_account"),
            # The admin's list over all accounts.
            models.Index(fields=["-occurred_at", "-id"], name="cases_by_time"),
            # What is open and due to be read again.
            models.Index(fields=["account", "check_at"], condition=_NOT_FINAL, name="cases_to_check"),
            # What eBay is still to be asked about by id.
            models.Index(fields=["account", "-id"], condition=_DETAIL_DUE, name="cases_to_detail"),
            # Cases of an item or a sale: how they are linked to their order.
            models.Index(fields=["account", "item_id", "transaction_id"], name="cases_by_item"),
            # Cases of an order.
            models.Index(fields=["account", "order_id"], name="cases_by_order"),
            # The case of a return.
            models.Index(
                fields=["account", "return_id"], condition=~models.Q(return_id=""), name="cases_by_return"
            ),
        ]

    def __str__(self) -> str:
        return self.case_id


class CaseDetail(SyncedRow):
    """What eBay says about a case by its id, with its history. Natural key: (account, case_id)."""

    case_id = models.CharField(max_length=100)
    case_status = models.CharField("status", max_length=60, blank=True)
    case_type = models.CharField("type", max_length=60, blank=True)
    initiator = models.CharField("opened by", max_length=60, blank=True)
    escalate_reason = models.CharField("why it was escalated", max_length=100, blank=True)
    return_id = models.CharField(max_length=100, blank=True)
    escalated_at = models.DateTimeField("escalated", null=True)
    refund_due_at = models.DateTimeField("refund due", null=True)

    class Meta:
        db_table = "ebay_case_details"
        ordering = ["-changed_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["case_id", "account"], name="one_row_per_case_detail"),
        ]
        indexes = [
            # API and CSV: updated_since, in the order of (changed_at, id); backwards, the admin's list.
            models.Index(fields=["changed_at", "id"], name="case_details_by_change"),
        ]

    def __str__(self) -> str:
        return self.case_id


class Inquiry(MaturingRow, DetailedRow):
    """About an item that did not arrive. Natural key: (account, inquiry_id). `occurred_at` is its creation.

    One that is escalated leaves eBay's search and lives on as a case of the same item and transaction
    (`case_id`, by `services.links`): the details tell, in `inquiry_status` and `escalated_at`. `state` and
    `refund_due_at` are theirs, too.
    """

    inquiry_id = models.CharField(max_length=100)
    item_id = models.CharField(max_length=100, blank=True)
    transaction_id = models.CharField(max_length=100, blank=True)
    order_id = models.CharField(max_length=100, blank=True, db_default="")
    buyer = models.CharField(max_length=200, blank=True)
    seller = models.CharField(max_length=200, blank=True)
    inquiry_status = models.CharField("status", max_length=60, blank=True)
    claim_amount = models.DecimalField(max_digits=20, decimal_places=4, null=True)
    currency = models.CharField(max_length=10, blank=True)
    respond_by_at = models.DateTimeField("answer due", null=True)
    state = models.CharField(max_length=60, blank=True, db_default="")
    case_id = models.CharField(
        max_length=100, blank=True, db_default="", help_text="What it was escalated to"
    )
    escalated_at = models.DateTimeField("escalated", null=True)
    refund_due_at = models.DateTimeField("refund due", null=True)

    class Meta:
        db_table = "ebay_inquiries"
        verbose_name_plural = "inquiries"
        ordering = ["-occurred_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["inquiry_id", "account"], name="one_row_per_inquiry"),
        ]
        indexes = [
            # API and CSV: updated_since, in the order of (changed_at, id).
            models.Index(fields=["changed_at", "id"], name="inquiries_by_change"),
            # The list of one account, newest first; spans of time that are read again.
            models.Index(fields=["account", "-occurred_at"], name="inquiries_of_account"),
            # The admin's list over all accounts.
            models.Index(fields=["-occurred_at", "-id"], name="inquiries_by_time"),
            # What is open and due to be read again.
            models.Index(fields=["account", "check_at"], condition=_NOT_FINAL, name="inquiries_to_check"),
            # What eBay is still to be asked about by id.
            models.Index(fields=["account", "-id"], condition=_DETAIL_DUE, name="inquiries_to_detail"),
            # Inquiries of an item or a sale: how they are linked to their order.
            models.Index(fields=["account", "item_id", "transaction_id"], name="inquiries_by_item"),
            # Inquiries of an order.
            models.Index(fields=["account", "order_id"], name="inquiries_by_order"),
        ]

    def __str__(self) -> str:
        return self.inquiry_id


class InquiryDetail(SyncedRow):
    """What eBay says about an inquiry by its id, with its history. Natural key: (account, inquiry_id)."""

    inquiry_id = models.CharField(max_length=100)
    inquiry_status = models.CharField("status", max_length=60, blank=True)
    state = models.CharField(max_length=60, blank=True)
    escalated_at = models.DateTimeField("escalated", null=True)
    refund_due_at = models.DateTimeField("refund due", null=True)

    class Meta:
        db_table = "ebay_inquiry_details"
        ordering = ["-changed_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["inquiry_id", "account"], name="one_row_per_inquiry_detail"),
        ]
        indexes = [
            # API and CSV: updated_since, in the order of (changed_at, id); backwards, the admin's list.
            models.Index(fields=["changed_at", "id"], name="inquiry_details_by_change"),
        ]

    def __str__(self) -> str:
        return self.inquiry_id
