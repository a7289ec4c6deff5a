"""Health of an account: its history, and a check now."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.access import principal_of_request
from accounts.api.lists import Filters, LogPages, StrictList, SwitchFilter, WordsFilter
from tokens.models import CheckedBy, HealthCheck
from tokens.services.health import check_by_hand

from .accounts import account_or_404


class HealthCheckSerializer(serializers.ModelSerializer[HealthCheck]):
    """One check. `checked_by`: call (a worker's), identity, trading; `error_code` is a word, '' when well."""

    checked_by = serializers.CharField()

    class Meta:
        model = HealthCheck
        fields = ("id", "checked_at", "checked_by", "ok", "latency_ms", "error_code", "error")


class HealthCheckInput(serializers.Serializer[Any]):
    """`call`: identity (the default) or trading."""

    call = serializers.ChoiceField(
        choices=[CheckedBy.IDENTITY.value, CheckedBy.TRADING.value], required=False
    )


class HealthCheckFilters(Filters):
    ok = SwitchFilter()
    checked_by = WordsFilter(lookup_expr="in")
    error_code = WordsFilter(lookup_expr="in")

    class Meta:
        model = HealthCheck
        fields: list[str] = []


class CheckHealth(APIView):
    """Role operator."""

    @extend_schema(request=HealthCheckInput, responses=HealthCheckSerializer)
    def post(self, request: Request, account_id: int) -> Response:
        """Ask eBay now whose token it is. 200 with `ok` true or false; 503 when nothing may be asked."""
        account = account_or_404(request, account_id)
        asked = HealthCheckInput(data=request.data)
        asked.is_valid(raise_exception=True)
        call = CheckedBy(asked.validated_data.get("call", CheckedBy.IDENTITY))
        check = check_by_hand(account, call=call, by=principal_of_request(request))
        return Response(HealthCheckSerializer(check).data)


class HealthChecks(StrictList[HealthCheck]):
    """The checks of an account, newest first."""

    serializer_class = HealthCheckSerializer
    filterset_class = HealthCheckFilters
    pagination_class = LogPages
    ordering = ("-checked_at", "-id")
    queryset = HealthCheck.objects.none()

    def get_queryset(self) -> QuerySet[HealthCheck]:
        if getattr(self, "swagger_fake_view", False):
            return HealthCheck.objects.none()
        return HealthCheck.objects.filter(account=account_or_404(self.request, self.kwargs["account_id"]))
