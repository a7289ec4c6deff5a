"""Groups: win at most so many of these auctions, for so much money altogether."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from accounts.models import Organization, User
from accounts.querysets import ScopedQuerySet


class GroupPolicy(models.TextChoices):
    """What to do at the moment of a bid while an undecided earlier auction could fill the group."""

    HOLD = "hold", "Hold: wait for the earlier result as long as the auction allows, then let it pass"
    SKIP = "skip", "Skip: let it pass at once"
    ALLOW = "allow", "Allow: bid anyway and perhaps win more than wanted; the budget holds all the same"


class SnipeGroup(models.Model):
    """`version` moves with every bid of the group and every change of its rules; claims depend on it."""

    ORGANIZATION_LOOKUP = "organization_id"

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="snipe_groups")
    name = models.CharField(max_length=100)
    win_at_most = models.PositiveSmallIntegerField(default=1)
    budget = models.DecimalField(
        max_digits=14, decimal_places=2, null=True, blank=True, help_text="For all together; empty: none"
    )
    currency = models.CharField(max_length=3, blank=True, help_text="Of the budget and of every snipe in it")
    policy = models.CharField(max_length=10, choices=GroupPolicy.choices, default=GroupPolicy.HOLD)
    version = models.PositiveBigIntegerField(default=1)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        db_table = "ebay_snipe_groups"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="one_group_of_a_name"),
            models.CheckConstraint(condition=Q(win_at_most__gt=0), name="group_wins_something"),
            models.CheckConstraint(
                condition=Q(budget__isnull=True) | (Q(budget__gt=0) & ~Q(currency="")),
                name="group_budget_has_currency",
            ),
        ]

    def __str__(self) -> str:
        return self.name
