"""Notifications that eBay sent us, the keys that verify them, and how sending was set up (03 §10)."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now


class InboxStatus(models.TextChoices):
    RECEIVED = "received", "Received"
    DONE = "done", "Done"
    IGNORED = "ignored", "Ignored: no work belongs to it"
    FAILED = "failed", "Failed"


class InboundNotification(models.Model):
    """One notification, stored before anything is done. Whom it concerns is kept as hashes only.

    `notification_id` makes a second delivery harmless. `result`: what was done, by organisation and table.
    """

    notification_id = models.CharField(max_length=200, unique=True)
    environment = models.CharField(max_length=20)
    topic = models.CharField(max_length=100)
    people = ArrayField(models.BinaryField(max_length=16), default=list)
    reason = models.CharField(max_length=100, blank=True, help_text="What eBay gives as the reason")
    event_at = models.DateTimeField(null=True, help_text="When it happened, by eBay")
    received_at = models.DateTimeField(db_default=Now())
    deliveries = models.PositiveIntegerField(default=1, help_text="How often eBay delivered it")
    status = models.CharField(max_length=10, choices=InboxStatus.choices, default=InboxStatus.RECEIVED)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(db_default=Now())
    processed_at = models.DateTimeField(null=True)
    result = models.JSONField(default=dict)
    error = models.TextField(blank=True)

    class Meta:
        db_table = "ebay_inbox"
        ordering = ["-received_at", "-id"]
        verbose_name = "notification from eBay"
        verbose_name_plural = "notifications from eBay"
        indexes = [
            # What is to be done, the oldest first.
            models.Index(
                fields=["next_attempt_at"], condition=models.Q(status="received"), name="inbox_waiting"
            ),
            # The console's list; retention deletes by age.
            models.Index(fields=["-received_at", "-id"], name="inbox_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.topic} {self.notification_id}"

    @property
    def persons(self) -> list[bytes]:
        return [bytes(person) for person in self.people]


class NotificationKey(models.Model):
    """A public key of eBay's as it was fetched; without `public_key` eBay does not know this id.

    `good_until`: asked again after it. Who fetches holds the lease; the others wait.
    """

    kid = models.UUIDField(primary_key=True)
    environment = models.CharField(max_length=20, blank=True)
    public_key = models.BinaryField(null=True)
    good_until = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "ebay_notification_keys"
        indexes = [
            # How many unknown keys were asked for lately; retention.
            models.Index(fields=["created_at"], name="notification_keys_by_age"),
        ]


class NotificationSetup(models.Model):
    """How eBay was told to send to us, when that was last done or looked at."""

    environment = models.CharField(max_length=20, unique=True)
    endpoint = models.CharField(max_length=500)
    destination_id = models.CharField(max_length=100, blank=True)
    subscriptions = models.JSONField(default=dict, help_text="By topic: eBay's id of the subscription")
    set_up_at = models.DateTimeField(null=True)
    test_asked_at = models.DateTimeField(null=True)
    checked_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)

    class Meta:
        db_table = "ebay_notification_setups"

    def __str__(self) -> str:
        return f"notifications of {self.environment}"
