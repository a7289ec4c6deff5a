"""Planning a snipe: the item is looked up, every guard asked, the row written, the executors told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.access import Principal
from accounts.audit import record_act
from accounts.models import EbayAccount, Role
from ebayconnector.ebay.items import Item
from sniper.access import readiness
from sniper.currencies import as_written, decimals_of, fits
from sniper.events import log_event, tell_executors
from sniper.models import LIVE, Snipe, SnipeGroup
from sniper.refusals import SnipeRefused
from tokens import wire

from .forget import remember_seller, storable_seller
from .groups import check_fits_group
from .items import look_up
from .limits import check_limits

SHORTEST_LEAD_S, LONGEST_LEAD_S = 2, 600
# An executor hears of it, arms and connects in this time.
SHORTEST_NOTICE = timedelta(seconds=3)
_LARGEST = Decimal("999999999999.99")


@dataclass(frozen=True)
class Planned:
    """`warnings` are what a person should know although the snipe stands."""

    snipe: Snipe
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Preview:
    """The item as it would be sniped, and what a person should know about it."""

    item: Item
    warnings: tuple[str, ...]


def preview_item(account: EbayAccount, *, item: str, by: Principal) -> Preview:
    """Look the item up without planning anything. Role operator; raises NotAllowed and SnipeRefused."""
    by.require(Role.OPERATOR, account.organization_id)
    found = look_up(account, item)
    _check_item(account, found)
    return Preview(found, _warnings(account, found, None, _others(account, found.legacy_item_id)))


def plan_snipe(
    account: EbayAccount,
    *,
    item: str,
    max_bid_amount: Decimal,
    by: Principal,
    seconds_before_end: int | None = None,
    comment: str = "",
    group: SnipeGroup | None = None,
    confirm: bool = False,
) -> Planned:
    """Bid on an auction at the last moment. `item` is an item id or an eBay link. Role operator.

    A broken token of the account is a warning: it can be mended until the bid is due. Two accounts of one
    organisation on one item need `confirm`. Raises NotAllowed and SnipeRefused.
    """
    by.require(Role.OPERATOR, account.organization_id)
    if not account.is_active:
        raise SnipeRefused("account_inactive", "the account is deactivated", field="account")
    seconds = settings.SNIPER_DEFAULT_LEAD_SECONDS if seconds_before_end is None else seconds_before_end
    check_seconds(seconds)
    found = look_up(account, item)
    _check_item(account, found)
    check_amount(max_bid_amount, found.currency)
    end_time, fire_at = _moments(account, found, seconds)
    others = _others(account, found.legacy_item_id)
    if others and not confirm:
        raise SnipeRefused(
            "needs_confirmation",
            f"{', '.join(others)} of the same organisation bids on it too: one would drive up the other",
        )
    warnings = _warnings(account, found, max_bid_amount, others)
    snipe = Snipe(
        account=account, group=group, item_id=found.legacy_item_id, rest_item_id=found.item_id,
        title=found.title[:300], image_url=found.image_url[:500], item_url=found.web_url[:500],
        seller=storable_seller(account.environment, found.seller[:100]),
        marketplace_id=found.marketplace_id or account.marketplace_id,
        adult_only=found.adult_only, currency=found.currency,
        max_bid_amount=as_written(max_bid_amount, found.currency), seconds_before_end=seconds,
        comment=comment[:500], end_time=end_time, fire_at=fire_at,
        current_bid_at_creation=found.current_price.value if found.current_price else None,
        current_price=found.current_price.value if found.current_price else None,
        price_read_at=wire.clock(account.environment).now(), warning=" ".join(warnings)[:500],
        created_by=by.user, created_by_label=by.label[:200],
    )  # fmt: skip
    _save(snipe, by)
    return Planned(snipe, warnings)


def _save(snipe: Snipe, by: Principal) -> None:
    try:
        with transaction.atomic():
            if snipe.group is not None:
                check_fits_group(snipe.group, snipe)
            check_limits(snipe.account, snipe.currency, snipe.max_bid_amount)
            snipe.save()
            remember_seller(snipe)
            log_event(snipe, "planned", f"by {by.label}" + (f"; {snipe.warning}" if snipe.warning else ""))
            record_act(
                by, "snipe_planned", organization_id=snipe.account.organization_id, target=snipe,
                account=snipe.account.house_name, item_id=snipe.item_id,
                max_bid_amount=str(snipe.max_bid_amount), currency=snipe.currency,
                seconds_before_end=snipe.seconds_before_end,
            )  # fmt: skip
            tell_executors(snipe.pk)
    except IntegrityError as failure:
        if "one_live_snipe_per_item" not in str(failure):
            raise
        raise SnipeRefused(
            "already_planned", f"{snipe.account.house_name} has a live snipe on this item", field="item_id"
        ) from failure


def check_seconds(seconds: int) -> None:
    if not SHORTEST_LEAD_S <= seconds <= LONGEST_LEAD_S:
        raise SnipeRefused(
            "bad_seconds", f"between {SHORTEST_LEAD_S} and {LONGEST_LEAD_S} seconds before the end",
            field="seconds_before_end",
        )  # fmt: skip


def check_amount(amount: Decimal, currency: str) -> None:
    """Raises SnipeRefused (`bad_amount`)."""
    if not amount.is_finite() or not 0 < amount <= _LARGEST:
        raise SnipeRefused("bad_amount", "the maximum must be more than zero", field="max_bid_amount")
    if not fits(amount, currency):
        raise SnipeRefused(
            "bad_amount", f"an amount in {currency} has at most {decimals_of(currency)} decimals",
            field="max_bid_amount",
        )  # fmt: skip


def check_notice(account: EbayAccount, fire_at: datetime) -> None:
    """Raises SnipeRefused (`too_late`) when the executors could not be ready for that moment of eBay's."""
    if fire_at - wire.clock(account.environment).now() < SHORTEST_NOTICE:
        raise SnipeRefused(
            "too_late", "there is not enough time left before that moment", field="seconds_before_end"
        )


def _check_item(account: EbayAccount, item: Item) -> None:
    if not item.is_auction:
        raise SnipeRefused("not_an_auction", "the item is not sold by auction", field="item_id")
    if item.ends_at is None or not item.currency:
        raise SnipeRefused(
            "currency_unknown", "eBay does not say when it ends, or in which currency", field="item_id"
        )
    if not item.is_open(wire.clock(account.environment).now()):
        raise SnipeRefused("auction_ended", "the auction has ended", field="item_id")
    seller = _own_seller(account, item)
    if seller:
        raise SnipeRefused(
            "own_seller", f"{seller} sells it: bidding on one's own items is shill bidding", field="item_id"
        )


def _own_seller(account: EbayAccount, item: Item) -> str:
    """The house name of the organisation's account that sells the item; '' for none.

    eBay names a seller by username or by immutable id (03 §0, 23).
    """
    return own_seller(account.organization_id, account.environment, item.seller)


def own_seller(organization_id: int, environment: str, seller: str) -> str:
    named = seller.casefold()
    own = EbayAccount.objects.filter(organization_id=organization_id, environment=environment)
    for account in own:
        if named and named in (account.username.casefold(), account.ebay_user_id.casefold()):
            return account.house_name
    return ""


def _moments(account: EbayAccount, item: Item, seconds: int) -> tuple[datetime, datetime]:
    """The auction's end and the moment of the bid."""
    if item.ends_at is None:
        raise SnipeRefused("auction_ended", "eBay does not say when it ends", field="item_id")
    fire_at = item.ends_at - timedelta(seconds=seconds)
    check_notice(account, fire_at)
    return item.ends_at, fire_at


def _others(account: EbayAccount, item_id: str) -> list[str]:
    """House names of the organisation's other accounts with a live snipe on the item."""
    others = Snipe.objects.filter(
        account__organization_id=account.organization_id,
        account__environment=account.environment,
        item_id=item_id,
        status__in=LIVE,
    ).exclude(account=account)
    return sorted(set(others.values_list("account__house_name", flat=True)))


def _warnings(
    account: EbayAccount, item: Item, maximum: Decimal | None, others: list[str]
) -> tuple[str, ...]:
    found = [readiness(account).warning]
    if others:
        found.append(f"{', '.join(others)} of the same organisation bids on this item too.")
    if maximum is not None and item.minimum_bid is not None and maximum < item.minimum_bid.value:
        found.append(f"eBay takes no bid below {item.minimum_bid} now.")
    return tuple(warning for warning in found if warning)
