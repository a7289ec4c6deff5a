"""Keys for message signatures."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class SigningKey(models.Model):
    """A key of the application in one environment; its private half and its JWE are sealed.

    Times are eBay's. A retired key stays valid at eBay until it expires: whoever still holds it may sign.
    """

    environment = models.CharField(max_length=20)
    client_id = models.CharField(max_length=200)
    signing_key_id = models.CharField(max_length=200)
    cipher = models.CharField(max_length=20)
    public_key = models.TextField()
    jwe_sealed = models.TextField()
    private_key_sealed = models.TextField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)
    retired_because = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            # Two processes that set a key up at once cannot both leave theirs in use.
            models.UniqueConstraint(
                fields=["environment", "client_id"],
                condition=Q(retired_at=None),
                name="one_current_signing_key",
            ),
            models.UniqueConstraint(
                fields=["environment", "client_id", "signing_key_id"], name="one_row_per_signing_key"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.cipher} {self.signing_key_id} ({self.environment})"


class SigningKeyLease(models.Model):
    """Who is creating a key for an application: there is no key yet on whose row a lease could stand."""

    environment = models.CharField(max_length=20)
    client_id = models.CharField(max_length=200)
    lease_id = models.UUIDField()
    lease_until = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["environment", "client_id"], name="one_signing_key_lease"),
        ]
