"""What the sniper's endpoints accept."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.api.fields import IdField, Switch
from sniper.models import GroupPolicy


def _amount(**kwargs: Any) -> serializers.DecimalField:
    return serializers.DecimalField(max_digits=14, decimal_places=2, **kwargs)


class SnipeInput(serializers.Serializer[Any]):
    """`item_id` is an item id or a link to an eBay item; the maximum is in the listing's own currency.

    `confirm` lets a second account of the organisation bid on the same item.
    """

    ebay_account_id = IdField()
    item_id = serializers.CharField(max_length=1000)
    max_bid_amount = _amount()
    seconds_before_end = serializers.IntegerField(required=False)
    comment = serializers.CharField(max_length=500, required=False, allow_blank=True)
    group_id = IdField(required=False, allow_null=True)
    confirm = Switch(required=False, default=False)


class SnipeChange(serializers.Serializer[Any]):
    """While the snipe is `scheduled`. `group_id` null takes it out of its group."""

    max_bid_amount = _amount(required=False)
    seconds_before_end = serializers.IntegerField(required=False)
    comment = serializers.CharField(max_length=500, required=False, allow_blank=True)
    group_id = IdField(required=False, allow_null=True)


class PreviewInput(serializers.Serializer[Any]):
    ebay_account_id = IdField()
    item_id = serializers.CharField(max_length=1000)


class BulkInput(serializers.Serializer[Any]):
    """`csv` as text: the first line names its columns, of account, item, max_bid_amount, seconds_before_end,
    comment and group. With `ebay_account_id` the column account may be left out.
    """

    csv = serializers.CharField(max_length=200_000, trim_whitespace=False)
    ebay_account_id = IdField(required=False)


class GroupInput(serializers.Serializer[Any]):
    """`organization` may be left out by members of only one. A budget needs a currency."""

    organization = IdField(required=False)
    name = serializers.CharField(max_length=100)
    win_at_most = serializers.IntegerField(required=False, default=1)
    budget = _amount(required=False, allow_null=True, default=None)
    currency = serializers.CharField(max_length=3, required=False, allow_blank=True, default="")
    policy = serializers.ChoiceField(choices=GroupPolicy.choices, required=False, default=GroupPolicy.HOLD)


class GroupChange(serializers.Serializer[Any]):
    """What is not given stays; `budget` null takes the budget away."""

    name = serializers.CharField(max_length=100, required=False)
    win_at_most = serializers.IntegerField(required=False)
    budget = _amount(required=False, allow_null=True)
    policy = serializers.ChoiceField(choices=GroupPolicy.choices, required=False)


class SniperSwitchInput(serializers.Serializer[Any]):
    """`organization` may be left out by members of only one; `installation` is for superusers and switches
    every organisation. A reason is needed to switch off.
    """

    enabled = Switch()
    reason = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")
    organization = IdField(required=False)
    installation = Switch(required=False, default=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs["enabled"] and not attrs["reason"]:
            raise serializers.ValidationError({"reason": ["say why, so that others know"]})
        if attrs["installation"] and "organization" in attrs:
            raise serializers.ValidationError(
                {"installation": ["give organization or installation, not both"]}
            )
        return attrs


class LimitInput(serializers.Serializer[Any]):
    """Of one account, or without `ebay_account_id` of the whole organisation. Both null: no limit."""

    organization = IdField(required=False)
    ebay_account_id = IdField(required=False, allow_null=True, default=None)
    currency = serializers.CharField(max_length=3)
    max_bid = _amount(required=False, allow_null=True, default=None)
    max_open_total = _amount(required=False, allow_null=True, default=None)
