"""What the worker endpoints accept. `api` and `api_family`, in the body or the query, are the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from accounts.api.fields import IdField, Switch
from syncworkers.registry import WORKERS, Worker


def worker_named(name: str) -> Worker:
    """The family of this name. Raises ValidationError, which lists the families there are."""
    if name not in WORKERS:
        known = ", ".join(WORKERS)
        raise serializers.ValidationError({"api_family": [f"there is no family {name!r}; one of {known}"]})
    return WORKERS[name]


def family_in(*sources: Mapping[str, str]) -> str:
    """The one family named in body or query, under either name; '' when none is. Raises ValidationError."""
    names = {source[key] for source in sources for key in ("api_family", "api") if source.get(key)}
    if len(names) > 1:
        raise serializers.ValidationError({"api_family": ["api and api_family name different families"]})
    return names.pop() if names else ""


class AccountInput(serializers.Serializer[Any]):
    account_id = IdField()


class WorkerInput(AccountInput):
    """Give `api_family` or `api`; the validated data has `worker`."""

    api_family = serializers.CharField(required=False)
    api = serializers.CharField(required=False, help_text="The same as api_family")

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        values: dict[str, Any] = super().to_internal_value(data)
        name = family_in(values, self.context["request"].query_params)
        if not name:
            raise serializers.ValidationError({"api_family": ["say which family"]})
        return values | {"worker": worker_named(name)}


class SwitchInput(WorkerInput):
    enabled = Switch()


class RunAllInput(serializers.Serializer[Any]):
    """Without `account_id`: every active account that the caller may run."""

    account_id = IdField(required=False)


class ToggleInput(serializers.Serializer[Any]):
    """The red button. `organization` may be left out by members of only one; `installation` is for
    superusers and stops every organisation. A reason is needed to stop.
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


class CursorInput(WorkerInput):
    """How far back to read: `value` is a date or time (UTC unless it says otherwise), or `backfill` is
    true for the family's own setting.
    """

    value = serializers.CharField(required=False)
    backfill = Switch(required=False, default=False)
    reason = serializers.CharField(max_length=300)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["backfill"] == ("value" in attrs):
            raise serializers.ValidationError({"value": ["give a value, or backfill: true"]})
        return attrs


class ScheduleInput(serializers.Serializer[Any]):
    account_id = IdField(required=False)
    hours = serializers.IntegerField(min_value=1, max_value=168, required=False, default=24)
