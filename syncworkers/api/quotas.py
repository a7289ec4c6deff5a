"""`GET /api/ebay/workers/quotas`."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.access import principal_of_request
from accounts.api.lists import Pages, refuse_unknown
from syncworkers.quota_board import FamilyLine, QuotaLine, quota_board


class _FamilySerializer(serializers.Serializer[FamilyLine]):
    """`accounts`: those of your organisations; the intervals result from the accounts of the installation."""

    api_family = serializers.CharField(source="worker.key")
    accounts = serializers.IntegerField()
    calls_per_run = serializers.SerializerMethodField()
    wanted_interval_seconds = serializers.SerializerMethodField()
    effective_interval_seconds = serializers.SerializerMethodField()

    def get_calls_per_run(self, line: FamilyLine) -> float:
        return round(line.calls, 1)

    def get_wanted_interval_seconds(self, line: FamilyLine) -> int:
        return round(line.wanted.total_seconds())

    def get_effective_interval_seconds(self, line: FamilyLine) -> int:
        return round(line.effective.total_seconds())


class QuotaSerializer(serializers.Serializer[QuotaLine]):
    """One API's calls of eBay's day. `forecast`: used at the reset if the schedule keeps its present pace.

    `reported_at`: when eBay told limit and reset; null: the limit is eBay's published default.
    """

    environment = serializers.CharField()
    api = serializers.CharField()
    status = serializers.CharField(help_text="ok, stretched, paused or used up")
    limit = serializers.IntegerField()
    used = serializers.IntegerField()
    remaining = serializers.IntegerField()
    forecast = serializers.IntegerField()
    wanted_per_day = serializers.IntegerField(
        help_text="What the schedule would call at the wanted intervals"
    )
    reset_at = serializers.DateTimeField()
    reported_at = serializers.DateTimeField(allow_null=True)
    paused_until = serializers.DateTimeField(allow_null=True)
    families = _FamilySerializer(many=True)


class Quotas(APIView):
    """eBay's daily quotas."""

    @extend_schema(
        parameters=[OpenApiParameter("limit", int), OpenApiParameter("offset", int)],
        responses=inline_serializer(
            "QuotaList",
            {
                "count": serializers.IntegerField(),
                "next": serializers.CharField(allow_null=True),
                "previous": serializers.CharField(allow_null=True),
                "results": QuotaSerializer(many=True),
            },
        ),
    )
    def get(self, request: Request) -> Response:
        """Used, forecast and intervals of each API, in the environments of the accounts that you see."""
        refuse_unknown(request, {"limit", "offset"})
        lines = quota_board(principal_of_request(request))
        pages = Pages()
        page: Any = pages.paginate_queryset(lines, request, self)
        return pages.get_paginated_response(QuotaSerializer(page, many=True).data)
