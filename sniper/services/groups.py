"""Groups of snipes: made, changed, filled."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from accounts.access import Principal
from accounts.audit import record_act
from accounts.models import Organization, Role
from sniper.currencies import fits
from sniper.events import log_event, tell_executors
from sniper.models import LIVE, GroupPolicy, Snipe, SnipeGroup, SnipeStatus
from sniper.refusals import SnipeRefused


def create_group(
    organization: Organization,
    *,
    by: Principal,
    name: str,
    win_at_most: int = 1,
    budget: Decimal | None = None,
    currency: str = "",
    policy: str = GroupPolicy.HOLD,
) -> SnipeGroup:
    """A group that wins at most so many, for at most `budget`. Role operator.

    Raises NotAllowed and SnipeRefused (`bad_amount`, `currency_unknown`, `group_mismatch`).
    """
    by.require(Role.OPERATOR, organization.pk)
    _check_rules(name, win_at_most, budget, currency, policy)
    rules: dict[str, Any] = {
        "name": name.strip(), "win_at_most": win_at_most, "budget": budget, "currency": currency,
        "policy": policy,
    }  # fmt: skip
    try:
        with transaction.atomic():
            group = SnipeGroup.objects.create(organization=organization, created_by=by.user, **rules)
            _record(by, "snipe_group_created", group)
    except IntegrityError as failure:
        raise _name_taken(failure) from failure
    return group


def edit_group(
    group: SnipeGroup,
    *,
    by: Principal,
    name: str | None = None,
    win_at_most: int | None = None,
    budget: Decimal | None = None,
    clear_budget: bool = False,
    policy: str | None = None,
) -> SnipeGroup:
    """Change what is given (None: stays); the next claim of the group follows the new rules. Role operator.

    Raises NotAllowed and SnipeRefused.
    """
    by.require(Role.OPERATOR, group.organization_id)
    rules: dict[str, Any] = {
        "name": (name or group.name).strip(),
        "win_at_most": group.win_at_most if win_at_most is None else win_at_most,
        "budget": None if clear_budget else (group.budget if budget is None else budget),
        "policy": policy or group.policy,
    }
    _check_rules(currency=group.currency, **rules)
    try:
        with transaction.atomic():
            for field, value in rules.items():
                setattr(group, field, value)
            _record(by, "snipe_group_edited", group)
            tell_executors()
            # Last: claims of the group wait for this row.
            SnipeGroup.objects.filter(pk=group.pk).update(version=F("version") + 1, **rules)
    except IntegrityError as failure:
        raise _name_taken(failure) from failure
    group.refresh_from_db()
    return group


def delete_group(group: SnipeGroup, *, by: Principal) -> None:
    """Only while no snipe of it lives; its ended snipes stay and are in no group then. Role operator."""
    by.require(Role.OPERATOR, group.organization_id)
    with transaction.atomic():
        if Snipe.objects.filter(group=group, status__in=LIVE).exists():
            raise SnipeRefused("group_mismatch", "snipes of this group are live: cancel them first")
        Snipe.objects.filter(group=group).update(group=None)
        _record(by, "snipe_group_deleted", group)
        group.delete()


def move_to_group(snipe: Snipe, group: SnipeGroup | None, *, by: Principal) -> Snipe:
    """Put a `scheduled` snipe into a group, or (None) out of its own. Role operator.

    Raises NotAllowed and SnipeRefused (`not_changeable`, `group_mismatch`).
    """
    by.require(Role.OPERATOR, snipe.account.organization_id)
    with transaction.atomic():
        if group is not None:
            check_fits_group(group, snipe)
        log_event(snipe, "edited", f"by {by.label}", group=group.name if group else "")
        record_act(
            by, "snipe_edited", organization_id=snipe.account.organization_id, target=snipe,
            group=group.name if group else "",
        )  # fmt: skip
        tell_executors(snipe.pk)
        if Snipe.objects.filter(pk=snipe.pk, status=SnipeStatus.SCHEDULED).update(group=group) != 1:
            raise SnipeRefused("not_changeable", "it can be changed only while it is scheduled")
    snipe.refresh_from_db()
    return snipe


def check_fits_group(group: SnipeGroup, snipe: Snipe) -> None:
    """Without a lock, which would be in the way of a claim. Raises SnipeRefused (`group_mismatch`)."""
    if group.organization_id != snipe.account.organization_id:
        raise SnipeRefused("group_mismatch", "the group does not exist in this organisation", field="group")
    if group.currency and group.currency != snipe.currency:
        raise SnipeRefused(
            "group_mismatch", f"the group counts in {group.currency}, the item is sold in {snipe.currency}",
            field="group",
        )  # fmt: skip


def _check_rules(name: str, win_at_most: int, budget: Decimal | None, currency: str, policy: str) -> None:
    if not name.strip() or len(name) > 100:
        raise SnipeRefused("group_mismatch", "a group needs a name of at most 100 characters", field="name")
    if not 1 <= win_at_most <= 1000:
        raise SnipeRefused("bad_amount", "a group wins between 1 and 1,000 auctions", field="win_at_most")
    if policy not in GroupPolicy.values:
        raise SnipeRefused(
            "group_mismatch", f"a policy is one of {', '.join(GroupPolicy.values)}", field="policy"
        )
    if currency and not (
        len(currency) == 3 and currency.isascii() and currency.isalpha() and currency.isupper()
    ):
        raise SnipeRefused("currency_unknown", "a currency is three capital letters", field="currency")
    if budget is None:
        return
    if not currency:
        raise SnipeRefused("currency_unknown", "a budget needs a currency", field="currency")
    if not fits(budget, currency) or budget <= 0:
        raise SnipeRefused("bad_amount", "a budget is a positive amount of its currency", field="budget")


def _record(by: Principal, action: str, group: SnipeGroup) -> None:
    record_act(
        by, action, organization_id=group.organization_id, target=group, win_at_most=group.win_at_most,
        budget="" if group.budget is None else str(group.budget), currency=group.currency,
        policy=group.policy,
    )  # fmt: skip


def _name_taken(failure: IntegrityError) -> Exception:
    if "one_group_of_a_name" not in str(failure):
        return failure
    return SnipeRefused("group_mismatch", "another group of the organisation has this name", field="name")
