"""What the API says about snipes."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from ebayconnector.ebay.money import Money
from sniper.models import ExecutorClock, Snipe, SnipeAttempt, SnipeEvent, SniperLimit, SniperSwitch
from sniper.selectors import lead_warning, running_executors
from sniper.services.bulk import BulkRow
from sniper.services.plan import Preview


class SnipeSerializer(serializers.ModelSerializer[Snipe]):
    """A snipe. Amounts are in `currency`; `fire_at` is `end_time` less `seconds_before_end`, by eBay's clock.

    `trouble` is what keeps a live one from being ready at the moment, `warning` what its planner was told.
    """

    ebay_account_id = serializers.IntegerField(source="account_id")
    house_name = serializers.CharField(source="account.house_name")
    group_id = serializers.IntegerField(allow_null=True)
    status = serializers.CharField()
    reason = serializers.CharField()
    reason_text = serializers.CharField(source="get_reason_display")
    trouble = serializers.CharField()
    created_by = serializers.CharField(source="created_by_label")
    may_change = serializers.BooleanField()
    may_cancel = serializers.BooleanField()

    class Meta:
        model = Snipe
        fields = (
            "id", "ebay_account_id", "house_name", "item_id", "title", "image_url", "item_url", "seller",
            "marketplace_id", "currency", "max_bid_amount", "current_bid_at_creation", "current_price",
            "price_read_at", "end_time", "seconds_before_end", "fire_at", "comment", "group_id", "status",
            "reason", "reason_text", "trouble", "trouble_message", "warning", "paper", "result_price",
            "result_message", "ebay_bid_id", "created_by", "created_at", "armed_at", "connected_at",
            "finished_at", "may_change", "may_cancel",
        )  # fmt: skip


class AttemptSerializer(serializers.ModelSerializer[SnipeAttempt]):
    """A bid. `lateness_ms`: sent after `planned_at`; `offset_ms`: eBay's clock less ours, off by
    `offset_error_ms` at most.
    """

    class Meta:
        model = SnipeAttempt
        fields = (
            "no", "amount", "planned_at", "recorded_at", "sent_at", "answered_at", "outcome", "http_status",
            "error_code", "message", "ebay_bid_id", "correlation_id", "lateness_ms", "latency_ms",
            "offset_ms", "offset_error_ms",
        )  # fmt: skip


class SnipeDetailSerializer(SnipeSerializer):
    """With its bids, and what makes its lead risky now ('' for nothing)."""

    attempts = AttemptSerializer(many=True)
    lead_warning = serializers.SerializerMethodField()

    class Meta(SnipeSerializer.Meta):
        fields = (*SnipeSerializer.Meta.fields, "attempts", "lead_warning")  # type: ignore[assignment]

    def get_lead_warning(self, snipe: Snipe) -> str:
        return lead_warning(snipe, running_executors())


class PlannedSerializer(SnipeSerializer):
    """The new snipe, with what a person should know about it although it stands."""

    warnings = serializers.ListField(child=serializers.CharField(), default=list)

    class Meta(SnipeSerializer.Meta):
        fields = (*SnipeSerializer.Meta.fields, "warnings")  # type: ignore[assignment]


class SnipeCancelledSerializer(serializers.Serializer[Any]):
    """`cancelled` is false when it was too late."""

    cancelled = serializers.BooleanField()
    snipe = SnipeSerializer()


class EventSerializer(serializers.ModelSerializer[SnipeEvent]):
    """A line of a snipe's log; `status` is the snipe's after it, `endpoint` and `token_kind` the call's."""

    token_kind = serializers.CharField()

    class Meta:
        model = SnipeEvent
        fields = (
            "id", "created_at", "event_type", "message", "status", "http_status", "correlation_id",
            "ebay_bid_id", "endpoint", "token_kind", "detail",
        )  # fmt: skip


class PreviewSerializer(serializers.Serializer[Preview]):
    """The item as it would be sniped."""

    item_id = serializers.CharField(source="item.legacy_item_id")
    title = serializers.CharField(source="item.title")
    image_url = serializers.CharField(source="item.image_url")
    item_url = serializers.CharField(source="item.web_url")
    seller = serializers.CharField(source="item.seller")
    currency = serializers.CharField(source="item.currency")
    current_price = serializers.SerializerMethodField()
    minimum_bid = serializers.SerializerMethodField()
    bid_count = serializers.IntegerField(source="item.bid_count")
    reserve_met = serializers.BooleanField(source="item.reserve_met", allow_null=True)
    end_time = serializers.DateTimeField(source="item.ends_at", allow_null=True)
    warnings = serializers.ListField(child=serializers.CharField())

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_current_price(self, preview: Preview) -> str | None:
        return _amount(preview.item.current_price)

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_minimum_bid(self, preview: Preview) -> str | None:
        return _amount(preview.item.minimum_bid)


def _amount(money: Money | None) -> str | None:
    return None if money is None else str(money.value)


class BulkRowSerializer(serializers.Serializer[BulkRow]):
    """`line` counts from 1, the heading. Without `snipe_id` it was refused: `code` and `text` say why."""

    line = serializers.IntegerField()
    item = serializers.CharField()
    snipe_id = serializers.IntegerField(source="snipe.pk", default=None, allow_null=True)
    warnings = serializers.ListField(child=serializers.CharField())
    code = serializers.CharField()
    text = serializers.CharField()
    field = serializers.CharField()


class BulkSerializer(serializers.Serializer[Any]):
    planned = serializers.IntegerField()
    refused = serializers.IntegerField()
    results = BulkRowSerializer(many=True)


class TotalsSerializer(serializers.Serializer[Any]):
    """What came of an account's ended snipes in one currency; `success_rate` is won of won and lost."""

    ebay_account_id = serializers.IntegerField()
    house_name = serializers.CharField()
    currency = serializers.CharField()
    ended = serializers.IntegerField()
    won = serializers.IntegerField()
    lost = serializers.IntegerField()
    failed = serializers.IntegerField()
    spent = serializers.DecimalField(max_digits=16, decimal_places=2)
    saved = serializers.DecimalField(max_digits=16, decimal_places=2)
    success_rate = serializers.FloatField(allow_null=True)


class LatencySerializer(serializers.Serializer[Any]):
    """From sending to answer of the account's last bids, in milliseconds."""

    ebay_account_id = serializers.IntegerField()
    count = serializers.IntegerField()
    p50_ms = serializers.FloatField()
    p99_ms = serializers.FloatField()


class TotalsPage(serializers.Serializer[Any]):
    """Accounts without an ended snipe are left out, from `latency` those without an answered bid."""

    count = serializers.IntegerField()
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    results = TotalsSerializer(many=True)
    latency = LatencySerializer(many=True)


class ClockSerializer(serializers.ModelSerializer[ExecutorClock]):
    class Meta:
        model = ExecutorClock
        fields = (
            "environment", "offset_ms", "error_ms", "latency_p50_ms", "latency_p99_ms", "samples",
            "measured_at",
        )  # fmt: skip


class ExecutorSerializer(serializers.Serializer[Any]):
    """An executor that reported within 30 s, and its idea of eBay's clock."""

    is_paper = serializers.BooleanField()
    started_at = serializers.DateTimeField()
    beat_at = serializers.DateTimeField()
    clocks = ClockSerializer(many=True)


class AccessSerializer(serializers.Serializer[Any]):
    """`access`: granted, not_granted (reconnect the account) or not_approved (by eBay, for the keyset)."""

    ebay_account_id = serializers.IntegerField()
    house_name = serializers.CharField()
    access = serializers.CharField()
    warning = serializers.CharField()
    switched_off = serializers.CharField()


class StatusPage(serializers.Serializer[Any]):
    """The caller's accounts and whether they can bid; `executors` that run."""

    count = serializers.IntegerField()
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    results = AccessSerializer(many=True)
    executors = ExecutorSerializer(many=True)


class SniperSwitchSerializer(serializers.ModelSerializer[SniperSwitch]):
    """`organization` is null for the installation's."""

    organization = serializers.IntegerField(source="organization_id", allow_null=True)
    changed_by = serializers.CharField(source="changed_by_label")

    class Meta:
        model = SniperSwitch
        fields = ("organization", "enabled", "reason", "changed_by", "changed_at")


class LimitSerializer(serializers.ModelSerializer[SniperLimit]):
    """`ebay_account_id` null: of the whole organisation. `id` null: there is no limit (any more)."""

    id = serializers.IntegerField(allow_null=True)
    organization = serializers.IntegerField(source="organization_id")
    ebay_account_id = serializers.IntegerField(source="account_id", allow_null=True)

    class Meta:
        model = SniperLimit
        fields = ("id", "organization", "ebay_account_id", "currency", "max_bid", "max_open_total")
