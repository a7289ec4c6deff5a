"""How much may be bid: by bid and altogether, for an account and for its organisation."""

from __future__ import annotations

from decimal import Decimal

from django.db import transaction
from django.db.models import Q, Sum

from accounts.access import Principal
from accounts.audit import record_act
from accounts.models import EbayAccount, Organization, Role
from sniper.currencies import fits
from sniper.models import LIVE, Snipe, SniperLimit
from sniper.refusals import SnipeRefused


def set_limit(
    organization: Organization,
    *,
    by: Principal,
    currency: str,
    account: EbayAccount | None = None,
    max_bid: Decimal | None = None,
    max_open_total: Decimal | None = None,
) -> SniperLimit | None:
    """Set the limits in one currency, of an account or (None) of the whole organisation. Role admin.

    Both None takes the limit away and answers None. Live snipes stay as they are. Raises NotAllowed, and
    SnipeRefused (`bad_amount`, `currency_unknown`).
    """
    by.require(Role.ADMIN, organization.pk)
    if len(currency) != 3 or not (currency.isascii() and currency.isalpha() and currency.isupper()):
        raise SnipeRefused("currency_unknown", "a currency is three capital letters", field="currency")
    for field, amount in (("max_bid", max_bid), ("max_open_total", max_open_total)):
        if amount is not None and not (fits(amount, currency) and amount > 0):
            raise SnipeRefused("bad_amount", "a limit is a positive amount of its currency", field=field)
    with transaction.atomic():
        limits = SniperLimit.objects.filter(organization=organization, account=account, currency=currency)
        limit = None
        if max_bid is None and max_open_total is None:
            limits.delete()
        else:
            limit, _ = SniperLimit.objects.update_or_create(
                organization=organization, account=account, currency=currency,
                defaults={"max_bid": max_bid, "max_open_total": max_open_total},
            )  # fmt: skip
        record_act(
            by, "snipe_limit_set", organization_id=organization.pk, target=account or organization,
            currency=currency, max_bid=_text(max_bid), max_open_total=_text(max_open_total),
        )  # fmt: skip
    return limit


def _text(amount: Decimal | None) -> str:
    return "" if amount is None else str(amount)


def check_limits(account: EbayAccount, currency: str, amount: Decimal, *, but: int | None = None) -> None:
    """In a transaction: refuse an amount that goes over a limit; holds the limits until the commit.

    `but` is the snipe that the amount belongs to. Raises SnipeRefused (`limit`).
    """
    limits = (
        SniperLimit.objects.select_for_update()
        .filter(organization_id=account.organization_id, currency=currency)
        .filter(Q(account=None) | Q(account=account))
        .order_by("pk")
    )
    for limit in limits:
        whose = "the organisation" if limit.account_id is None else account.house_name
        if limit.max_bid is not None and amount > limit.max_bid:
            raise SnipeRefused(
                "limit", f"{whose} may bid {limit.max_bid} {currency} at most", field="max_bid_amount"
            )
        total = _open_total(limit, but) + amount
        if limit.max_open_total is not None and total > limit.max_open_total:
            raise SnipeRefused(
                "limit",
                f"all live maxima of {whose} together would be {total} of {limit.max_open_total} {currency}",
                field="max_bid_amount",
            )


def _open_total(limit: SniperLimit, but: int | None) -> Decimal:
    live = Snipe.objects.filter(
        account__organization_id=limit.organization_id, currency=limit.currency, status__in=LIVE
    )
    if but is not None:
        live = live.exclude(pk=but)
    if limit.account_id is not None:
        live = live.filter(account_id=limit.account_id)
    total: Decimal | None = live.aggregate(total=Sum("max_bid_amount"))["total"]
    return total or Decimal(0)
