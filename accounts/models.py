"""Who: organisations, their members and API keys, the audit trail, and the connected eBay accounts."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from .querysets import ScopedQuerySet


class User(AbstractUser):
    """A person who logs in. What the person may do comes from Membership, not from Django's permissions."""


class Role(models.TextChoices):
    """Each role includes the ones before it."""

    VIEWER = "viewer", "Viewer: reads"
    OPERATOR = "operator", "Operator: runs, toggles, snipes"
    ADMIN = "admin", "Admin: connects accounts, manages members"

    @property
    def rank(self) -> int:
        return list(Role).index(self)


class Organization(models.Model):
    """Owns accounts, data and settings; what belongs to another organisation does not exist for a user."""

    ORGANIZATION_LOOKUP = "id"

    name = models.CharField(max_length=200, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """Gives a user a role in an organisation."""

    ORGANIZATION_LOOKUP = "organization_id"

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role.choices)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "organization"], name="one_role_per_organization"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.organization}: {self.role}"


class ApiKey(models.Model):
    """A machine's credential. Only a SHA-256 of the key is stored; the key is shown once."""

    ORGANIZATION_LOOKUP = "organization_id"

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100)
    role = models.CharField(max_length=20, choices=Role.choices, default=Role.VIEWER)
    prefix = models.CharField(max_length=12, help_text="The first characters, to recognise a key by.")
    key_hash = models.CharField(max_length=64, unique=True)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class Purpose(models.TextChoices):
    BUYER = "BUYER", "Buyer"
    SELLER = "SELLER", "Seller"
    BOTH = "BOTH", "Buyer and seller"


class EbayAccount(models.Model):
    """One connected eBay account, labelled by its house name.

    `environment`, `ebay_user_id` and the organisation never change; names, marketplace and site are
    kept as eBay says them.
    """

    ORGANIZATION_LOOKUP = "organization_id"

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="ebay_accounts")
    house_name = models.CharField(max_length=100)
    purpose = models.CharField(max_length=10, choices=Purpose.choices)
    environment = models.CharField(max_length=20)
    ebay_user_id = models.CharField(max_length=100)
    username = models.CharField(max_length=100)
    eias_token = models.CharField(max_length=200, blank=True)
    marketplace_id = models.CharField(max_length=30)
    site_id = models.PositiveIntegerField()
    is_active = models.BooleanField(default=True)
    workers_enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    connected_at = models.DateTimeField()
    deactivated_at = models.DateTimeField(null=True, blank=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        db_table = "ebay_accounts"
        ordering = ["house_name", "id"]
        verbose_name = "eBay account"
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "environment", "ebay_user_id"], name="one_account_per_ebay_user"
            ),
            models.UniqueConstraint(
                "organization", Lower("house_name"), condition=Q(is_active=True), name="one_active_house_name"
            ),
        ]
        indexes = [
            # Notifications from eBay name a user, not an account of ours.
            models.Index(fields=["environment", "ebay_user_id"], name="account_by_ebay_user"),
        ]

    def __str__(self) -> str:
        return self.house_name


class AuditEvent(models.Model):
    """One act of a person or machine: who, what, on what, when, from where, with which result."""

    ORGANIZATION_LOOKUP = "organization_id"

    organization = models.ForeignKey(Organization, on_delete=models.SET_NULL, null=True, related_name="+")
    actor = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    actor_label = models.CharField(max_length=200)
    action = models.CharField(max_length=60)
    target_type = models.CharField(max_length=60, blank=True)
    target_id = models.CharField(max_length=60, blank=True)
    target_label = models.CharField(max_length=200, blank=True)
    detail = models.JSONField(default=dict)
    result = models.CharField(max_length=200)
    ip_address = models.GenericIPAddressField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            # The audit page of an organisation, newest first; retention deletes by age.
            models.Index(fields=["organization", "-created_at"], name="audit_of_organization"),
            models.Index(fields=["created_at"], name="audit_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_label} {self.action} {self.target_label}"


class Notice(models.Model):
    """Something that a person should know, open as long as its cause lasts (`notices.settle`).

    `subject_key` names what it is about within its kind; without an organisation it is the installation's,
    for superusers. `stage` grows with each threshold that is crossed, and each stage is worth one e-mail.
    """

    ORGANIZATION_LOOKUP = "organization_id"

    # `one_open_notice` and `notices_by_age` begin with what is asked for.
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, null=True, related_name="+", db_index=False
    )
    account = models.ForeignKey(EbayAccount, on_delete=models.CASCADE, null=True, related_name="notices")
    kind = models.CharField(max_length=40)
    subject_key = models.CharField(max_length=200)
    stage = models.PositiveSmallIntegerField(default=1)
    urgent = models.BooleanField(default=False)
    title = models.CharField(max_length=300)
    text = models.TextField()
    path = models.CharField(max_length=300, blank=True, help_text="The console's page where it is put right")
    opened_at = models.DateTimeField()
    changed_at = models.DateTimeField(help_text="When its words last changed")
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at", "-id"]
        constraints = [
            # Two checks at once, or a check and an event: the second finds the cause's notice open.
            models.UniqueConstraint(
                fields=["organization", "kind", "subject_key"],
                condition=Q(closed_at=None),
                nulls_distinct=False,
                name="one_open_notice",
            ),
        ]
        indexes = [
            # Closing what has healed; the number in the side bar.
            models.Index(fields=["kind"], condition=Q(closed_at=None), name="notices_open"),
            # The list of an organisation, newest first.
            models.Index(fields=["organization", "-opened_at"], name="notices_of_organization"),
            # Retention deletes by age.
            models.Index(fields=["closed_at"], condition=Q(closed_at__isnull=False), name="notices_by_age"),
        ]

    def __str__(self) -> str:
        return self.title


class MailState(models.TextChoices):
    WAITING = "waiting", "Waiting"
    SENDING = "sending", "Being sent"
    SENT = "sent", "Sent"
    UNCLEAR = "unclear", "Unclear: it may have been sent"
    DROPPED = "dropped", "Not sent: it healed before"


class NoticeMail(models.Model):
    """The one e-mail about a stage of a notice: never sent twice, tried again while the server refuses it."""

    ORGANIZATION_LOOKUP = "notice__organization_id"

    notice = models.ForeignKey(Notice, on_delete=models.CASCADE, related_name="mails", db_index=False)
    stage = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=10, choices=MailState.choices, default=MailState.WAITING)
    created_at = models.DateTimeField()
    next_attempt_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    recipients = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["notice", "stage"], name="one_mail_per_stage"),
        ]
        indexes = [
            # What is due, and what its process left behind.
            models.Index(
                fields=["next_attempt_at"], condition=Q(state__in=["waiting", "sending"]), name="mails_due"
            ),
        ]

    def __str__(self) -> str:
        return f"e-mail about {self.notice_id}"
