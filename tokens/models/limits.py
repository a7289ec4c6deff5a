"""What eBay lets us call, and when."""

from __future__ import annotations

from django.db import models

from accounts.models import EbayAccount


class ApiPause(models.Model):
    """eBay asked us to stop calling an API (429, 518): nobody calls it before `until`."""

    environment = models.CharField(max_length=20)
    api = models.CharField(max_length=40)
    account = models.ForeignKey(
        EbayAccount, on_delete=models.CASCADE, null=True, related_name="+",
        help_text="Set when only this account is limited",
    )  # fmt: skip
    until = models.DateTimeField()
    reason = models.CharField(max_length=300)
    set_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["environment", "api", "account"], name="one_pause_per_api", nulls_distinct=False
            ),
        ]
