"""`/api/sniper/{totals,status,switch,limits}`: the sniper as a whole."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from accounts.access import principal_of_request
from accounts.api.lists import Pages, StrictList, refuse_unknown
from accounts.api.scoping import organization_of
from accounts.models import EbayAccount
from sniper.access import bidding_access, readiness
from sniper.models import SniperLimit
from sniper.pictures.histogram import percentile
from sniper.selectors import latencies_ms, running_executors, totals_of
from sniper.services.limits import set_limit
from sniper.services.switches import set_sniper_enabled, why_off

from .inputs import LimitInput, SniperSwitchInput
from .serializers import (
    AccessSerializer,
    ExecutorSerializer,
    LatencySerializer,
    LimitSerializer,
    SniperSwitchSerializer,
    StatusPage,
    TotalsPage,
    TotalsSerializer,
)
from .snipes import account_or_404, asked

_PAGING = [OpenApiParameter("limit", int), OpenApiParameter("offset", int)]


def _accounts(request: Request) -> list[EbayAccount]:
    """Those in use; deactivated ones have their past in the totals too."""
    visible = EbayAccount.objects.visible_to(principal_of_request(request)).select_related("token")
    return list(visible.order_by("house_name", "id"))


class Totals(APIView):
    """What came of the snipes of each account."""

    @extend_schema(parameters=_PAGING, responses=TotalsPage)
    def get(self, request: Request) -> Response:
        """One row for each account and currency with an ended snipe."""
        refuse_unknown(request, {"limit", "offset"})
        accounts = _accounts(request)
        rows = [
            {
                "ebay_account_id": account.pk,
                "house_name": account.house_name,
                "success_rate": total.success_rate,
                **vars(total),
            }
            for account in accounts
            for total in totals_of(account)
        ]
        answer = _page(self, request, rows, TotalsSerializer)
        answer.data["latency"] = [LatencySerializer(row).data for row in _latencies(accounts)]
        return answer


def _page(
    view: APIView, request: Request, rows: list[dict[str, Any]], kind: type[Serializer[Any]]
) -> Response:
    pages = Pages()
    page = pages.paginate_queryset(rows, request, view)
    return pages.get_paginated_response(kind(page, many=True).data)


def _latencies(accounts: list[EbayAccount]) -> list[dict[str, Any]]:
    known = [(account.pk, latencies_ms(account)) for account in accounts]
    return [
        {
            "ebay_account_id": account_id,
            "count": len(values),
            "p50_ms": percentile(values, 0.5),
            "p99_ms": percentile(values, 0.99),
        }
        for account_id, values in known
        if values
    ]


class Status(APIView):
    """Whether the sniper can work."""

    @extend_schema(parameters=_PAGING, responses=StatusPage)
    def get(self, request: Request) -> Response:
        """Access to the bidding API by account, and the executors that run."""
        refuse_unknown(request, {"limit", "offset"})
        rows = [
            {
                "ebay_account_id": account.pk,
                "house_name": account.house_name,
                "access": bidding_access(account).value,
                "warning": readiness(account).warning,
                "switched_off": why_off(account.organization_id),
            }
            for account in _accounts(request)
            if account.is_active
        ]
        answer = _page(self, request, rows, AccessSerializer)
        answer.data["executors"] = ExecutorSerializer(running_executors(), many=True).data
        return answer


class Switch(APIView):
    """Role operator; a superuser for the installation."""

    @extend_schema(request=SniperSwitchInput, responses=SniperSwitchSerializer)
    def post(self, request: Request) -> Response:
        """Switch the sniper on or off. What comes due while it is off ends `skipped`."""
        wanted = asked(request, SniperSwitchInput)
        organization = (
            None if wanted["installation"] else organization_of(request, wanted.get("organization"))
        )
        switch = set_sniper_enabled(
            organization, enabled=wanted["enabled"], reason=wanted["reason"], by=principal_of_request(request)
        )
        return Response(SniperSwitchSerializer(switch).data)


class Limits(StrictList[SniperLimit]):
    """GET lists the limits; POST sets those in one currency (role admin)."""

    serializer_class = LimitSerializer
    ordering = ("currency", "account_id", "id")

    def get_queryset(self) -> QuerySet[SniperLimit]:
        return SniperLimit.objects.visible_to(principal_of_request(self.request))

    @extend_schema(request=LimitInput, responses=LimitSerializer, filters=False)
    def post(self, request: Request) -> Response:
        """Both amounts null take the limit away; the answer's `id` is null then."""
        wanted = asked(request, LimitInput)
        account_id = wanted.pop("ebay_account_id")
        account = account_or_404(request, account_id) if account_id else None
        organization_id = wanted.pop("organization", account.organization_id if account else None)
        organization = organization_of(request, organization_id)
        if account is not None and account.organization_id != organization.pk:
            account = account_or_404(request, 0)
        limit = set_limit(organization, by=principal_of_request(request), account=account, **wanted)
        none = SniperLimit(organization=organization, account=account, currency=wanted["currency"])
        return Response(LimitSerializer(limit or none).data)
