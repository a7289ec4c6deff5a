"""`updated_since`: what changed since the last time, each version once, in the order of (changed_at, id).

The token `next_since` carries both, so that a page may end in the middle of rows with one `changed_at`.
Rows younger than a minute wait: a transaction that began earlier may still commit an earlier time, and
none lasts longer than a minute.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from rest_framework.exceptions import ValidationError

from accounts.api.scoping import LARGEST_ID
from syncworkers.services.history import UnusableStart, moment_named

SETTLED = timedelta(minutes=1)
_SEPARATOR = "_"


@dataclass(frozen=True)
class Since:
    """A place in the order of changes: after the row `after_id` of that moment, or (0) before all of it."""

    at: datetime
    after_id: int = 0

    def __str__(self) -> str:
        text = self.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return f"{text}{_SEPARATOR}{self.after_id}"


def since_named(text: str) -> Since:
    """An ISO date or time, or a `next_since`. Raises ValidationError."""
    moment, separator, number = text.partition(_SEPARATOR)
    if separator and not (number.isdecimal() and len(number) <= 19 and int(number) <= LARGEST_ID):
        raise ValidationError({"updated_since": [f"{text!r} is no next_since of ours"]})
    try:
        # A plus that was not escaped in the address arrives as a space.
        return Since(moment_named(_plus_restored(moment)).astimezone(UTC), int(number or 0))
    except (UnusableStart, OverflowError) as failure:
        raise ValidationError({"updated_since": [str(failure)]}) from None


def _plus_restored(text: str) -> str:
    head, space, offset = text.rpartition(" ")
    return f"{head}+{offset}" if space and "T" in head else text


def changed_since(rows: QuerySet[Any], since: Since) -> QuerySet[Any]:
    """The settled rows after that place, in order."""
    after = Q(changed_at__gt=since.at) | Q(changed_at=since.at, id__gt=since.after_id)
    settled = rows.filter(changed_at__gte=since.at, changed_at__lte=Now() - SETTLED)
    return settled.filter(after).order_by("changed_at", "id")


def next_since(page: list[Any], since: Since) -> Since:
    """Where to go on after this page."""
    return Since(page[-1].changed_at, page[-1].pk) if page else since
