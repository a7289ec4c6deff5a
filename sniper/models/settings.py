"""The sniper's own switch, and how much may be bid."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from accounts.models import EbayAccount, Organization, User
from accounts.querysets import ScopedQuerySet


class SniperSwitch(models.Model):
    """One per organisation, and one (organisation empty) for the installation. No row means on.

    While it is off nothing is bid; what comes due ends `skipped`.
    """

    organization = models.OneToOneField(
        Organization, on_delete=models.CASCADE, null=True, related_name="sniper_switch"
    )
    enabled = models.BooleanField(default=True)
    reason = models.CharField(max_length=300, blank=True)
    changed_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    changed_by_label = models.CharField(max_length=200, blank=True)
    changed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "ebay_sniper_switch"
        constraints = [
            # OneToOne allows many rows without an organisation; there is one installation.
            models.UniqueConstraint(fields=["organization"], name="one_sniper_switch", nulls_distinct=False),
        ]

    def __str__(self) -> str:
        return f"sniper switch of {self.organization or 'the installation'}"


class SniperLimit(models.Model):
    """The highest maximum, and the highest sum of all live ones, in one currency. Empty: no limit.

    For one account, or (account empty) for the organisation as a whole. Both hold.
    """

    ORGANIZATION_LOOKUP = "organization_id"

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="sniper_limits")
    account = models.ForeignKey(
        EbayAccount, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    currency = models.CharField(max_length=3)
    max_bid = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    max_open_total = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        db_table = "ebay_sniper_limits"
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "account", "currency"], name="one_sniper_limit", nulls_distinct=False
            ),
            models.CheckConstraint(
                condition=(Q(max_bid__isnull=True) | Q(max_bid__gt=0))
                & (Q(max_open_total__isnull=True) | Q(max_open_total__gt=0)),
                name="sniper_limits_positive",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.currency} limit of {self.account or self.organization}"
