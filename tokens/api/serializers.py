"""What the API says about accounts, tokens and the exchanges with eBay's identity service."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils import timezone
from rest_framework import serializers

from accounts.api.fields import IdField, Switch
from accounts.models import EbayAccount, Purpose
from tokens.models import ConnectLog, EbayToken, TokenRefreshLog
from tokens.status import AccountStatus, account_status


class TokenSerializer(serializers.ModelSerializer[EbayToken]):
    class Meta:
        model = EbayToken
        fields = ("expires_at", "last_refreshed_at", "refresh_error")


class AccountSerializer(serializers.ModelSerializer[EbayAccount]):
    """A connected account. `status`: not_connected, needs_reconnect, error, unknown, expired,
    expiring_soon or healthy; `status_reason` says why in words ('' when healthy).
    """

    status = serializers.SerializerMethodField()
    status_reason = serializers.SerializerMethodField()
    token = TokenSerializer(allow_null=True)

    _status: AccountStatus

    class Meta:
        model = EbayAccount
        fields = (
            "id", "ebay_user_id", "username", "house_name", "purpose", "environment", "marketplace_id",
            "site_id", "is_active", "status", "status_reason", "token",
        )  # fmt: skip

    def to_representation(self, instance: EbayAccount) -> dict[str, Any]:
        # Once per row: it opens the sealed token.
        self._status = account_status(instance, now=timezone.now())
        return super().to_representation(instance)

    def get_status(self, account: EbayAccount) -> str:
        return self._status.code

    def get_status_reason(self, account: EbayAccount) -> str:
        return self._status.reason


class ConnectInput(serializers.Serializer[Any]):
    """`organization` may be left out by members of only one."""

    organization = IdField(required=False)
    house_name = serializers.CharField(max_length=100)
    purpose = serializers.ChoiceField(choices=Purpose.choices)
    environment = serializers.ChoiceField(choices=settings.EBAY_ENVIRONMENTS)
    for_owner = Switch(required=False)


class ReconnectInput(serializers.Serializer[Any]):
    """With `for_owner` the link is to be sent to the owner, who needs no login: it lives a day."""

    for_owner = Switch(required=False)


class ConnectLinkSerializer(serializers.Serializer[Any]):
    """Open `authorize_url` in a browser before `expires_at`; it works once. With `for_owner` it lives a day,
    says what will happen and asks first; without, it leads on to eBay at once and lives ten minutes.
    """

    authorize_url = serializers.URLField()
    expires_at = serializers.DateTimeField()


class AccountChange(serializers.Serializer[Any]):
    """Everything is optional; what is not listed here cannot be changed."""

    house_name = serializers.CharField(max_length=100, required=False)
    purpose = serializers.ChoiceField(choices=Purpose.choices, required=False)
    is_active = Switch(required=False)
    workers_enabled = Switch(required=False)

    def to_internal_value(self, data: Any) -> Any:
        fixed = sorted(set(data) - set(self.fields)) if isinstance(data, dict) else []
        if fixed:
            raise serializers.ValidationError({name: ["this cannot be changed"] for name in fixed})
        return super().to_internal_value(data)


class Disconnected(serializers.Serializer[Any]):
    """`disconnected`, or `deleting`: a job deletes the account's data, then the account."""

    status = serializers.CharField()


class RefreshResult(serializers.Serializer[Any]):
    """How the attempt ended: `error_code` is a word ('' on success), `error` the text."""

    success = serializers.BooleanField()
    error_code = serializers.CharField(allow_blank=True)
    error = serializers.CharField(allow_blank=True)


class TokenStatusSerializer(serializers.Serializer[Any]):
    """One account's token; times are null while there is none."""

    account_id = serializers.IntegerField(source="account.pk")
    house_name = serializers.CharField(source="account.house_name")
    username = serializers.CharField(source="account.username")
    environment = serializers.CharField(source="account.environment")
    is_active = serializers.BooleanField(source="account.is_active")
    status = serializers.CharField(source="status.code")
    status_reason = serializers.CharField(source="status.reason")
    expires_at = serializers.DateTimeField(source="token.expires_at", default=None)
    refresh_token_expires_at = serializers.DateTimeField(
        source="token.refresh_token_expires_at", default=None
    )
    last_refreshed_at = serializers.DateTimeField(source="token.last_refreshed_at", default=None)
    last_refreshed_by = serializers.CharField(source="token.last_refreshed_by", default="")
    refresh_error = serializers.CharField(source="token.refresh_error", default="")
    next_attempt_at = serializers.DateTimeField(source="token.next_attempt_at", default=None)
    failures_in_row = serializers.IntegerField()


class ExchangeSerializer(serializers.ModelSerializer[ConnectLog]):
    """One exchange with eBay's identity service as it was sent, secrets masked."""

    account_id = serializers.IntegerField(allow_null=True)
    house_name = serializers.CharField(source="account.house_name", default="")

    class Meta:
        model = ConnectLog
        fields = (
            "id", "created_at", "environment", "account_id", "house_name", "action", "source", "request",
            "response", "error",
        )  # fmt: skip


class RefreshLogSerializer(serializers.ModelSerializer[TokenRefreshLog]):
    """One attempt; `success` is null while it is under way or when its process died."""

    triggered_by = serializers.CharField()

    class Meta:
        model = TokenRefreshLog
        fields = (
            "id", "triggered_by", "success", "error_code", "error_message", "started_at", "finished_at",
            "old_expires_at", "new_expires_at",
        )  # fmt: skip


class DebugInput(serializers.Serializer[Any]):
    ebay_account_id = IdField()


class _AccountName(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    house_name = serializers.CharField()


class DebugResult(serializers.Serializer[Any]):
    """`request` and `response` are those of the exchange itself, masked; empty when nothing was sent."""

    account = _AccountName()
    environment = serializers.CharField()
    success = serializers.BooleanField()
    error = serializers.CharField(allow_blank=True)
    error_description = serializers.CharField(allow_blank=True)
    request = serializers.DictField()
    response = serializers.DictField()


class CycleSummary(serializers.Serializer[Any]):
    status = serializers.CharField(allow_blank=True)
    accounts_checked = serializers.IntegerField()
    accounts_refreshed = serializers.IntegerField()
    errors = serializers.ListField(child=serializers.DictField())  # type: ignore[assignment]


class StartedCycle(CycleSummary):
    """A cycle that was just queued: `status` stays empty until its last account is done."""

    cycle_id = serializers.IntegerField(source="pk")


class RefreshScheduleSerializer(serializers.Serializer[Any]):
    """The scheduled refresh. `last_summary` counts the caller's accounts in the last finished cycle."""

    worker_name = serializers.CharField(source="worker.worker_name")
    interval_seconds = serializers.IntegerField(source="worker.interval_seconds")
    last_started_at = serializers.DateTimeField(source="worker.last_started_at", allow_null=True)
    last_finished_at = serializers.DateTimeField(source="worker.last_finished_at", allow_null=True)
    last_success_at = serializers.DateTimeField(allow_null=True)
    last_status = serializers.CharField(source="worker.last_status", allow_blank=True)
    last_error_message = serializers.CharField(allow_blank=True)
    runs_ok_in_row = serializers.IntegerField(source="worker.runs_ok_in_row")
    runs_error_in_row = serializers.IntegerField(source="worker.runs_error_in_row")
    overdue = serializers.BooleanField()
    last_summary = CycleSummary(source="*")
