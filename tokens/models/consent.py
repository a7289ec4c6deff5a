"""May we: consents, sealed tokens and the scopes they were given for."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.models import EbayAccount, Organization, Purpose, User
from accounts.querysets import ScopedQuerySet


class EbayToken(models.Model):
    """The sealed user tokens of one account, and the lease of whoever refreshes them.

    `version` grows with every finished attempt; `consent_version` with every consent, so that a verdict
    on an old consent never lands on a new one.
    """

    ORGANIZATION_LOOKUP = "account__organization_id"

    account = models.OneToOneField(EbayAccount, on_delete=models.CASCADE, related_name="token")
    access_token_sealed = models.TextField(blank=True)
    refresh_token_sealed = models.TextField(blank=True)
    granted_scopes = ArrayField(models.CharField(max_length=200), default=list)
    consented_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    refresh_token_expires_at = models.DateTimeField(null=True)
    last_refreshed_at = models.DateTimeField(null=True)
    last_refreshed_by = models.CharField(max_length=20, blank=True)
    refresh_error = models.TextField(
        blank=True, help_text="<code>: <text>; cleared by a success or a reconnect"
    )
    next_attempt_at = models.DateTimeField(null=True, help_text="No attempt before this, after a failure")
    lease_id = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    version = models.PositiveBigIntegerField(default=1)
    consent_version = models.PositiveBigIntegerField(default=1)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        db_table = "ebay_tokens"
        indexes = [
            # The scheduled refresh asks for tokens that expire soon.
            models.Index(fields=["expires_at"], name="token_by_expiry"),
        ]

    def __str__(self) -> str:
        return f"token of account {self.account_id}"


class ScopeDefinition(models.Model):
    """A scope that eBay knows. Inactive ones are never requested: one unknown scope breaks a consent."""

    scope = models.CharField(max_length=200, unique=True)
    grant_type = models.CharField(
        max_length=10, choices=[("user", "User"), ("client", "Application"), ("both", "Both")]
    )
    needed_by = models.CharField(max_length=200, blank=True)
    is_active = models.BooleanField(default=True)

    class Meta:
        db_table = "ebay_scope_definitions"
        ordering = ["scope"]

    def __str__(self) -> str:
        return self.scope


class ConnectTicket(models.Model):
    """One attempt to connect or reconnect: a one-use link of ours, then a one-use `state` at eBay.

    A link `for_owner` is opened by somebody without a login: it says what will happen and asks first. Only
    hashes of the link's secret and of the browser's cookie are stored.
    """

    ORGANIZATION_LOOKUP = "organization_id"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    account = models.ForeignKey(
        EbayAccount, on_delete=models.CASCADE, null=True, related_name="+", help_text="Set for a reconnect"
    )
    house_name = models.CharField(max_length=100)
    purpose = models.CharField(max_length=10, choices=Purpose.choices)
    environment = models.CharField(max_length=20)
    scopes = ArrayField(models.CharField(max_length=200))
    secret_hash = models.CharField(max_length=64, unique=True)
    cookie_hash = models.CharField(max_length=64, blank=True)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_by_label = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)
    link_expires_at = models.DateTimeField()
    for_owner = models.BooleanField(default=False)
    revoked_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    returned_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=200, blank=True)
    connected_account = models.ForeignKey(EbayAccount, on_delete=models.SET_NULL, null=True, related_name="+")

    objects = ScopedQuerySet.as_manager()

    class Meta:
        verbose_name = "connect link"

    def __str__(self) -> str:
        return f"link for {self.house_name}"


class ApplicationToken(models.Model):
    """A sealed client-credentials token, shared by all processes; minted by whoever holds the lease."""

    environment = models.CharField(max_length=20)
    client_id = models.CharField(max_length=200)
    scopes_key = models.CharField(max_length=500, help_text="The sorted scopes, space-separated")
    token_sealed = models.TextField(blank=True)
    minted_at = models.DateTimeField(null=True)
    renew_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True, help_text="Why the last attempt brought no token")
    refusals = models.JSONField(
        default=dict,
        help_text="By API: when a token was minted because it refused one, and how often in a row",
    )
    lease_id = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    version = models.PositiveBigIntegerField(default=1, help_text="Grows with every finished attempt")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["environment", "client_id", "scopes_key"], name="one_application_token"
            ),
        ]
