"""`/api/admin/…`: token states, the terminal, the scheduled refresh. Role admin, rows by organisation."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.access import principal_of_request
from accounts.api.lists import LogPages, StrictList
from accounts.api.scoping import AdminSomewhere, Superuser
from accounts.audit import record_act
from accounts.models import EbayAccount, Role
from tokens import selectors
from tokens.models import ConnectLog, TokenRefreshLog
from tokens.services.cycle import start_cycle
from tokens.services.debug import debug_refresh

from .accounts import account_or_404, answered
from .filters import RefreshLogFilters, TerminalFilters, TokenStatusFilters
from .serializers import (
    DebugInput,
    DebugResult,
    ExchangeSerializer,
    RefreshLogSerializer,
    RefreshScheduleSerializer,
    StartedCycle,
    TokenStatusSerializer,
)


class TokenStatusList(StrictList[EbayAccount]):
    """Every account's token: status, expiry, last refresh and by whom, failures in row."""

    permission_classes = [IsAuthenticated, AdminSomewhere]
    serializer_class = TokenStatusSerializer
    filterset_class = TokenStatusFilters
    ordering_fields = ("id", "house_name")
    ordering = ("house_name",)

    def get_queryset(self) -> QuerySet[EbayAccount]:
        principal = principal_of_request(self.request)
        return EbayAccount.objects.visible_to(principal, role=Role.ADMIN).select_related("token")

    def paginate_queryset(self, queryset: Any) -> Any:
        return selectors.token_rows(super().paginate_queryset(queryset) or [])


class Terminal(StrictList[ConnectLog]):
    """Every exchange with eBay's identity service, newest first; secrets are masked."""

    permission_classes = [IsAuthenticated, AdminSomewhere]
    serializer_class = ExchangeSerializer
    filterset_class = TerminalFilters
    ordering = ("-id",)

    def get_queryset(self) -> QuerySet[ConnectLog]:
        principal = principal_of_request(self.request)
        return ConnectLog.objects.visible_to(principal, role=Role.ADMIN).select_related("account")


class RefreshLogs(StrictList[TokenRefreshLog]):
    """The attempts to refresh one account's token, newest first."""

    permission_classes = [IsAuthenticated, AdminSomewhere]
    serializer_class = RefreshLogSerializer
    filterset_class = RefreshLogFilters
    pagination_class = LogPages
    ordering = ("-started_at", "-id")
    queryset = TokenRefreshLog.objects.none()

    def get_queryset(self) -> QuerySet[TokenRefreshLog]:
        if getattr(self, "swagger_fake_view", False):
            return TokenRefreshLog.objects.none()
        account = account_or_404(self.request, self.kwargs["account_id"])
        principal_of_request(self.request).require(Role.ADMIN, account.organization_id)
        return TokenRefreshLog.objects.filter(account=account)


class RefreshDebug(APIView):
    """Role admin in the account's organisation."""

    @extend_schema(request=DebugInput, responses=DebugResult)
    def post(self, request: Request) -> Response:
        """Refresh by the same code as the schedule, and show the exchange that it was.

        503 with Retry-After when another process is refreshing it at this moment.
        """
        asked = DebugInput(data=request.data)
        asked.is_valid(raise_exception=True)
        account = account_or_404(request, asked.validated_data["ebay_account_id"])
        result, exchange = debug_refresh(account, by=principal_of_request(request))
        answered(result)
        answer = {
            "account": {"id": account.pk, "house_name": account.house_name},
            "environment": account.environment,
            "success": result.success,
            "error": result.error_code,
            "error_description": result.error_text,
            "request": exchange.request if exchange else {},
            "response": exchange.response if exchange else {},
        }
        return Response(DebugResult(answer).data)


class RunCycleOnce(APIView):
    """Superusers: a cycle refreshes the accounts of all organisations."""

    permission_classes = [IsAuthenticated, Superuser]

    @extend_schema(request=None, responses=StartedCycle)
    def post(self, request: Request) -> Response:
        """Queue one refresh cycle now; the schedule's own heartbeat does not move."""
        cycle = start_cycle(scheduled=False)
        record_act(
            principal_of_request(request), "refresh_cycle_started", organization_id=None, target=cycle,
            accounts=cycle.accounts_checked,
        )  # fmt: skip
        return Response(StartedCycle(cycle).data)


class ScheduleStatus(APIView):
    """Role admin in any organisation."""

    permission_classes = [IsAuthenticated, AdminSomewhere]

    @extend_schema(responses=RefreshScheduleSerializer)
    def get(self, request: Request) -> Response:
        """How the scheduled refresh is doing; cycles started by a person do not count."""
        return Response(
            RefreshScheduleSerializer(selectors.schedule_status(principal_of_request(request))).data
        )
