"""What the three families of Post-Order share (03 §7)."""

from __future__ import annotations

from datetime import timedelta
from functools import reduce
from operator import or_

from django.db.models import Case, DateTimeField, F, Q, When
from django.db.models.functions import Now
from django.db.models.lookups import LessThan, LessThanOrEqual

from syncworkers.models.rows import NOT_LISTED

# 03 §17: there is no Post-Order in the sandbox.
WITH_POST_ORDER = frozenset({"production", "simulator"})
# 03 §7: windows of 90 days are safe, 18 months are all there is; a little less survives clock differences.
POST_ORDER_WINDOW = timedelta(days=90)
POST_ORDER_LOOKBACK = timedelta(days=540)
# Nobody says when a record becomes visible, and a case may carry the date of its inquiry.
POST_ORDER_LATE = timedelta(days=30)

# eBay moves money after the end, and shows it in the details alone.
_AGES_OF_AN_END = (timedelta(days=1), timedelta(days=7), timedelta(days=30))


def unsettled(is_open: Q, *, ended: str) -> Q:
    """What changes without its list showing it: what is open, and what has ended, at a few ages of its end.

    What we saw changing ended when it changed last; of what had ended when it came, eBay's `ended` tells.
    Where that was no end, but the last thing that the list told, it came within a day or left the list open.
    """
    not_before = (
        Q(**{f"{ended}__isnull": True})
        | Q(**{f"{ended}__gte": F("first_seen_at") - timedelta(days=1)})
        | Q(content_hash=NOT_LISTED)
    )
    was_seen = When(not_before, first_seen_at__lt=F("changed_at") - timedelta(days=1), then=F("changed_at"))
    end = Case(was_seen, default=F(ended), output_field=DateTimeField())
    due = (
        Q(LessThanOrEqual(end, Now() - age), LessThan(F("detail_at"), end + age)) for age in _AGES_OF_AN_END
    )
    return reduce(or_, due, is_open)
