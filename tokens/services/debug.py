"""Refreshing one token with the exchange shown: the same refresh as everybody's."""

from __future__ import annotations

from django.db.models import Max

from accounts.access import Principal
from accounts.models import EbayAccount
from tokens.models import ConnectLog, RefreshTrigger

from .by_hand import refresh_by_hand
from .refresh import Refreshed


def debug_refresh(account: EbayAccount, *, by: Principal) -> tuple[Refreshed, ConnectLog | None]:
    """The result and the exchange of this very attempt (None when nothing reached the log).

    Raises NotAllowed. Calls eBay: no transaction may be open.
    """
    own = ConnectLog.objects.filter(account=account, source=RefreshTrigger.DEBUG)
    # Only one refresh of an account runs at a time, so that the newest row after this one is ours.
    before = own.aggregate(newest=Max("pk"))["newest"] or 0
    result = refresh_by_hand(account, by=by, debug=True)
    return result, own.filter(pk__gt=before).order_by("-pk").first()
