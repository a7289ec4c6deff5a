"""What the API says about workers and runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from syncworkers.models import SyncSwitch, WorkerLog, WorkerRun
from syncworkers.selectors import HeldPart, WorkerRow, refusal_text
from syncworkers.upcoming import HeldBack


class PassSerializer(serializers.Serializer[WorkerRow]):
    """The open pass of a family that is read whole: `listed` of `total` (null: not known yet), and then how
    many of them were `asked` about.
    """

    started_at = serializers.DateTimeField(source="pass_.started_at")
    total = serializers.IntegerField(source="pass_.total", allow_null=True)
    listed = serializers.IntegerField()
    asked = serializers.IntegerField(source="pass_.asked")


class HeldPartSerializer(serializers.Serializer[HeldPart]):
    """A part of a worker that does not run while the rest does: `missing_scope` or `paused`."""

    part = serializers.CharField(source="part.key")
    reason = serializers.CharField(source="reason.value")
    reason_text = serializers.CharField(source="text")


class WorkerConfigSerializer(serializers.Serializer[WorkerRow]):
    """A worker: one family of one account, with its last run."""

    api_family = serializers.CharField(source="worker.key")
    enabled = serializers.BooleanField(source="state.enabled")
    primary_dedup_key = serializers.SerializerMethodField()
    cursor_type = serializers.CharField(source="worker.cursor_type")
    cursor_value = serializers.CharField(source="state.cursor_value", allow_blank=True)
    last_run_at = serializers.DateTimeField(source="state.last_run_at", allow_null=True)
    last_run_status = serializers.CharField(source="run.status", default=None, allow_null=True)
    last_run_summary = serializers.DictField(source="run.summary_json", default=None, allow_null=True)
    last_success_at = serializers.DateTimeField(source="state.last_success_at", allow_null=True)
    last_error = serializers.CharField(source="state.last_error", allow_blank=True)
    lag_seconds = serializers.SerializerMethodField()
    next_run_at = serializers.DateTimeField(allow_null=True)
    present_pass = serializers.SerializerMethodField()
    held_back_parts = HeldPartSerializer(source="held_parts", many=True)

    @extend_schema_field(PassSerializer(allow_null=True))
    def get_present_pass(self, row: WorkerRow) -> dict[str, Any] | None:
        return PassSerializer(row).data if row.pass_ else None

    def get_primary_dedup_key(self, row: WorkerRow) -> str:
        return ", ".join(row.worker.table.natural_key)

    def get_lag_seconds(self, row: WorkerRow) -> float | None:
        return round(row.lag.total_seconds(), 1) if row.lag is not None else None


class _NamedAccount(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    house_name = serializers.CharField()
    environment = serializers.CharField()


class SwitchSerializer(serializers.ModelSerializer[SyncSwitch]):
    """A red button; `organization` is null for the installation's."""

    organization = serializers.IntegerField(source="organization_id", allow_null=True)
    changed_by = serializers.CharField(source="changed_by_label")

    class Meta:
        model = SyncSwitch
        fields = ("organization", "enabled", "reason", "changed_by", "changed_at")


class ConfigSerializer(serializers.Serializer[Any]):
    """`stopped_by`: the red button that is pressed for this account, else null."""

    account = _NamedAccount()
    workers_enabled = serializers.BooleanField()
    stopped_by = SwitchSerializer(allow_null=True)
    rows = WorkerConfigSerializer(many=True)


class RequestedSerializer(serializers.Serializer[Any]):
    """`started`, or `skipped` with a reason: already_running, disabled, workers_disabled,
    account_inactive, not_connected, needs_reconnect, missing_scope, paused, quota, breaker_open or
    not_in_environment. `run_id` is the run that was queued, or that is active already.
    """

    status = serializers.CharField()
    run_id = serializers.IntegerField(allow_null=True)
    reason = serializers.CharField(required=False)
    reason_text = serializers.CharField(required=False)


class AskedRunSerializer(RequestedSerializer):
    account_id = serializers.IntegerField()
    api_family = serializers.CharField()


class RunAllSerializer(serializers.Serializer[Any]):
    """One answer per family that is switched on."""

    results = AskedRunSerializer(many=True)


class RunSerializer(serializers.ModelSerializer[WorkerRun]):
    """One execution of a worker. `duration_s` of an active run counts until now."""

    house_name = serializers.CharField(source="account.house_name")
    account_id = serializers.IntegerField()
    status = serializers.CharField()
    reason = serializers.CharField()
    reason_text = serializers.CharField(source="get_reason_display")
    trigger = serializers.CharField()
    duration_s = serializers.SerializerMethodField()
    summary = serializers.DictField(source="summary_json")

    class Meta:
        model = WorkerRun
        fields = (
            "id", "account_id", "house_name", "api_family", "status", "reason", "reason_text", "trigger",
            "requested_by", "queued_at", "started_at", "finished_at", "heartbeat_at", "duration_s",
            "window_from", "window_to", "pages", "rows_expected", "rows_fetched", "rows_stored",
            "rows_unchanged", "rows_quarantined", "more", "error", "summary",
        )  # fmt: skip

    def get_duration_s(self, run: WorkerRun) -> float | None:
        if run.started_at is None:
            return None
        length: timedelta = (run.finished_at or timezone.now()) - run.started_at
        return round(length.total_seconds(), 3)


class CancelledSerializer(serializers.Serializer[Any]):
    """`cancelled` is false when the run had ended already; a running one ends at its next page."""

    cancelled = serializers.BooleanField()
    run = RunSerializer()


class LogLineSerializer(serializers.ModelSerializer[WorkerLog]):
    class Meta:
        model = WorkerLog
        fields = ("id", "level", "event", "message", "detail", "created_at")


class CursorSerializer(serializers.Serializer[Any]):
    """`wanted_from` is null when the family's own backfill applies."""

    account_id = serializers.IntegerField()
    api_family = serializers.CharField()
    cursor_type = serializers.CharField()
    cursor_value = serializers.CharField(allow_blank=True)
    wanted_from = serializers.DateTimeField(allow_null=True)


class UpcomingSerializer(serializers.Serializer[Any]):
    account_id = serializers.IntegerField(source="account.pk")
    house_name = serializers.CharField(source="account.house_name")
    api_family = serializers.CharField(source="worker.key")
    at = serializers.DateTimeField()


class HeldBackSerializer(serializers.Serializer[Any]):
    account_id = serializers.IntegerField(source="account.pk")
    house_name = serializers.CharField(source="account.house_name")
    api_family = serializers.CharField(source="worker.key")
    reason = serializers.CharField(source="reason.value")
    reason_text = serializers.SerializerMethodField()

    def get_reason_text(self, held_back: HeldBack) -> str:
        return refusal_text(held_back.reason, held_back.worker)


class ScheduleSerializer(serializers.Serializer[Any]):
    """The next runs in order of time, and the workers that the schedule leaves alone, with the reason."""

    count = serializers.IntegerField()
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    results = UpcomingSerializer(many=True)
    held_back = HeldBackSerializer(many=True)
