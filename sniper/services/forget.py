"""A seller's name on a snipe is personal data: it goes when eBay says that this user is to be forgotten."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from django.db import transaction

from sniper.models import Snipe
from tokens import people
from tokens.services.inbox_work import Done

KIND = "snipes"
_BATCH = 500


def storable_seller(environment: str, seller: str) -> str:
    """The name, or '' for one who is to be forgotten."""
    hashes = people.person_hashes(environment, [seller])
    return "" if hashes and people.buried(hashes) else seller


def remember_seller(snipe: Snipe) -> None:
    """Note whom the snipe names. In the transaction that writes it."""
    people.remember(KIND, snipe.account.environment, [(snipe.pk, snipe.seller)], account_id=snipe.account_id)


def erase_sellers(environment: str, persons: Collection[bytes]) -> Done:
    """Blank the seller of snipes on these users' items; how many, by organisation and table.

    A person's hash holds the environment already.
    """
    done: Done = Counter()
    while row_ids := people.rows_of(persons, kind=KIND, most=_BATCH):
        with transaction.atomic():
            rows = Snipe.objects.filter(pk__in=row_ids).exclude(seller="")
            for organization_id in rows.values_list("account__organization_id", flat=True):
                done[organization_id, Snipe._meta.db_table] += 1
            rows.update(seller="")
            people.forget_entries(persons, kind=KIND, row_ids=row_ids)
    return done
