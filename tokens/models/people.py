"""Which rows name which eBay user, without names: so that a user who asks to be forgotten is found.

A user is a keyed hash of the environment and one of his names (`tokens.people`).
"""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from accounts.models import EbayAccount


class PersonIndex(models.Model):
    """Row `row_id` of the table that `kind` names holds personal data of this user, not erased yet."""

    person = models.BinaryField(max_length=16)
    kind = models.CharField(max_length=40)
    row_id = models.BigIntegerField()
    # Only deleting a whole account looks for it. That of the row which names the person is checked there.
    account = models.ForeignKey(
        EbayAccount, on_delete=models.CASCADE, null=True, related_name="+", db_constraint=False
    )

    class Meta:
        db_table = "ebay_person_index"
        constraints = [
            # A user's rows, by his hash; a page that is stored twice leaves one entry.
            models.UniqueConstraint(fields=["person", "kind", "row_id"], name="one_entry_per_person_and_row"),
        ]


class ErasedPerson(models.Model):
    """A user whom eBay told us to forget: what names him later is stored without him.

    `expires_at` is set for users of whom nothing was stored: their notice only guards pages under way.
    """

    person = models.BinaryField(max_length=16, primary_key=True)
    erased_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "ebay_erased_persons"
        indexes = [
            # Rows that were written while the notice was worked on.
            models.Index(fields=["erased_at"], name="erased_persons_by_time"),
            # Retention.
            models.Index(
                fields=["expires_at"],
                condition=models.Q(expires_at__isnull=False),
                name="erased_persons_by_end",
            ),
        ]
