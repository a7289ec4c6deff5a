"""Letters of a user and their texts (Trading GetMyMessages, 03 §3.5).

A letter names no order: item and the other person lead to one (`services.links`).
"""

from __future__ import annotations

from django.db import models

from .rows import DetailedRow, MaturingRow, SyncedRow


class Message(MaturingRow, DetailedRow):
    """Natural key: (account, message_id). `occurred_at` is the ReceiveDate; its detail is its text.

    `folder_id`: 0 the inbox, 1 sent, others the user's own. A flag is empty where eBay does not say.
    """

    message_id = models.CharField(max_length=100)
    external_id = models.CharField(
        "id for a reply", max_length=100, blank=True, help_text="What a reply names as its parent"
    )
    folder_id = models.CharField("folder", max_length=40, blank=True)
    sender = models.CharField(max_length=200, blank=True)
    recipient = models.CharField(max_length=200, blank=True)
    subject = models.TextField(blank=True)
    message_type = models.CharField("type", max_length=60, blank=True)
    question_type = models.CharField("question about", max_length=60, blank=True)
    item_id = models.CharField(max_length=100, blank=True)
    item_title = models.TextField(blank=True)
    order_id = models.CharField(
        max_length=100,
        blank=True,
        db_default="",
        help_text="The buyer's order of the item, where there is one",
    )
    listing_status = models.CharField("the listing is", max_length=40, blank=True)
    is_read = models.BooleanField("read", null=True)
    is_flagged = models.BooleanField("flagged", null=True)
    is_replied = models.BooleanField("answered", null=True)
    is_high_priority = models.BooleanField("important", null=True)
    can_be_answered = models.BooleanField(null=True)
    expires_at = models.DateTimeField("kept by eBay until", null=True)

    class Meta:
        db_table = "ebay_messages"
        ordering = ["-occurred_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["message_id", "account"], name="one_row_per_message"),
        ]
        indexes = [
            # API and CSV: updated_since, in the order of (changed_at, id).
            models.Index(fields=["changed_at", "id"], name="messages_by_change"),
            # The list of one account, newest first; spans of time that are read again.
            models.Index(fields=["account", "-occurred_at"], name="messages_of_account"),
            # The admin's list over all accounts.
            models.Index(fields=["-occurred_at", "-id"], name="messages_by_time"),
            # What is due to be read again.
            models.Index(
                fields=["account", "check_at"],
                condition=models.Q(check_at__isnull=False),
                name="messages_to_check",
            ),
            # The letters whose text is still to be read.
            models.Index(
                fields=["account", "-id"], condition=models.Q(detail_at=None), name="messages_to_detail"
            ),
            # The letters about an item, or an order's line.
            models.Index(fields=["account", "item_id"], name="messages_by_item"),
            # Letters of an order.
            models.Index(fields=["account", "order_id"], name="messages_by_order"),
        ]

    def __str__(self) -> str:
        return self.subject or self.message_id


class MessageBody(SyncedRow):
    """The text of a letter. Natural key: (account, message_id).

    `content` is its new part, plain. What eBay sends as HTML, often with the whole thread, is `html`: raw, as
    anybody can write to a user. Show it through `accounts.safe_html` only.
    """

    message_id = models.CharField(max_length=100)
    content = models.TextField(blank=True)

    class Meta:
        db_table = "ebay_message_bodies"
        verbose_name_plural = "message bodies"
        ordering = ["-changed_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["message_id", "account"], name="one_row_per_message_body"),
        ]
        indexes = [
            # API and CSV: updated_since, in the order of (changed_at, id); backwards, the admin's list.
            models.Index(fields=["changed_at", "id"], name="message_bodies_by_change"),
        ]

    def __str__(self) -> str:
        return self.message_id

    @property
    def html(self) -> str:
        """As eBay sent it, not safe to show; '' when there is none."""
        text = self.payload.get("Text")
        return text if isinstance(text, str) else ""
