"""`/api/ebay/workers/…`: configuration, running, switches, cursor, schedule."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, TypeVar

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from accounts.access import Principal, principal_of_request
from accounts.api.lists import Pages, refuse_unknown
from accounts.api.scoping import organization_of, visible_or_404
from accounts.models import EbayAccount, Role
from syncworkers.models import Trigger
from syncworkers.registry import WORKERS, Worker
from syncworkers.selectors import refusal_text, stopped_by, worker_board
from syncworkers.services import by_hand, history
from syncworkers.services.runs import Requested, reset_breaker
from syncworkers.services.switches import press_red_button, set_worker_enabled
from syncworkers.upcoming import schedule

from .inputs import (
    AccountInput,
    CursorInput,
    RunAllInput,
    ScheduleInput,
    SwitchInput,
    ToggleInput,
    WorkerInput,
)
from .serializers import (
    ConfigSerializer,
    CursorSerializer,
    HeldBackSerializer,
    RequestedSerializer,
    RunAllSerializer,
    ScheduleSerializer,
    SwitchSerializer,
    UpcomingSerializer,
    WorkerConfigSerializer,
)

_Input = TypeVar("_Input", bound=Serializer[Any])

_FAMILY_IN_QUERY = [
    OpenApiParameter("api_family", str, description="May be given here instead of in the body"),
    OpenApiParameter("api", str, description="The same as api_family"),
]


def asked(request: Request, kind: type[_Input]) -> dict[str, Any]:
    """The validated body. Raises ValidationError."""
    return _validated(kind(data=request.data, context={"request": request}))


def asked_in_query(request: Request, kind: type[_Input]) -> dict[str, Any]:
    """The validated query; empty values count as not given. Raises ValidationError."""
    given = {name: value for name, value in request.query_params.items() if value != ""}
    return _validated(kind(data=given, context={"request": request}))


def _validated(wanted: Serializer[Any]) -> dict[str, Any]:
    wanted.is_valid(raise_exception=True)
    values: dict[str, Any] = wanted.validated_data
    return values


def account_or_404(request: Request, account_id: int) -> EbayAccount:
    return visible_or_404(EbayAccount.objects.select_related("token"), request, account_id)


def said(requested: Requested, worker: Worker) -> dict[str, Any]:
    """The answer to "run this"."""
    if requested.started or requested.reason is None:
        return {"status": "started", "run_id": requested.run_id}
    return {
        "status": "skipped",
        "reason": requested.reason.value,
        "reason_text": refusal_text(requested.reason, worker),
        "run_id": requested.run_id,
    }


class Config(APIView):
    """The workers of one account."""

    @extend_schema(parameters=[AccountInput], responses=ConfigSerializer)
    def get(self, request: Request) -> Response:
        refuse_unknown(request, {"account_id"})
        account = account_or_404(request, asked_in_query(request, AccountInput)["account_id"])
        config = {
            "account": account,
            "workers_enabled": account.workers_enabled,
            "stopped_by": stopped_by(account),
            "rows": worker_board(account),
        }
        return Response(ConfigSerializer(config).data)

    @extend_schema(parameters=_FAMILY_IN_QUERY, request=SwitchInput, responses=WorkerConfigSerializer)
    def post(self, request: Request) -> Response:
        """Switch one worker on or off; role operator."""
        wanted = asked(request, SwitchInput)
        account, worker = account_or_404(request, wanted["account_id"]), wanted["worker"]
        set_worker_enabled(account, worker, wanted["enabled"], by=principal_of_request(request))
        row = next(row for row in worker_board(account) if row.worker.key == worker.key)
        return Response(WorkerConfigSerializer(row).data)


class Run(APIView):
    """Role operator."""

    @extend_schema(parameters=_FAMILY_IN_QUERY, request=WorkerInput, responses=RequestedSerializer)
    def post(self, request: Request) -> Response:
        """Run one worker now."""
        wanted = asked(request, WorkerInput)
        account = account_or_404(request, wanted["account_id"])
        by = principal_of_request(request)
        worker = wanted["worker"]
        return Response(said(by_hand.run_now(account, worker, by=by, trigger=Trigger.API), worker))


class BreakerReset(APIView):
    """Role operator."""

    @extend_schema(parameters=_FAMILY_IN_QUERY, request=WorkerInput, responses=RequestedSerializer)
    def post(self, request: Request) -> Response:
        """End the pause of a worker that failed several times in a row, and run it now."""
        wanted = asked(request, WorkerInput)
        account = account_or_404(request, wanted["account_id"])
        by = principal_of_request(request)
        worker = wanted["worker"]
        return Response(said(reset_breaker(account, worker, by=by, trigger=Trigger.API), worker))


class RunAll(APIView):
    """Role operator."""

    @extend_schema(request=RunAllInput, responses=RunAllSerializer)
    def post(self, request: Request) -> Response:
        """Run every family that is switched on: of one account, or of all that the caller may run."""
        wanted = asked(request, RunAllInput)
        by = principal_of_request(request)
        accounts = _accounts(request, wanted) if "account_id" in wanted else _runnable_accounts(by)
        results = [
            {"account_id": account.pk, "api_family": family, **said(requested, WORKERS[family])}
            for account in accounts
            for family, requested in by_hand.run_all(account, by=by).items()
        ]
        return Response({"results": results})


def _runnable_accounts(by: Principal) -> list[EbayAccount]:
    organizations = by.organization_ids(Role.OPERATOR)
    if organizations is not None and not organizations:
        raise PermissionDenied("this needs the role operator")
    visible = EbayAccount.objects.visible_to(by, role=Role.OPERATOR)
    return list(visible.filter(is_active=True).select_related("token"))


class GlobalToggle(APIView):
    """Role operator; a superuser for the installation."""

    @extend_schema(request=ToggleInput, responses=SwitchSerializer)
    def post(self, request: Request) -> Response:
        """The red button: stop everything of an organisation now, or let it go on.

        Queued runs are cancelled, running ones end at their next page, nothing is lost.
        """
        wanted = asked(request, ToggleInput)
        organization = (
            None if wanted["installation"] else organization_of(request, wanted.get("organization"))
        )
        switch = press_red_button(
            organization, enabled=wanted["enabled"], reason=wanted["reason"], by=principal_of_request(request)
        )
        return Response(SwitchSerializer(switch).data)


class Cursor(APIView):
    """Role operator."""

    @extend_schema(parameters=_FAMILY_IN_QUERY, request=CursorInput, responses=CursorSerializer)
    def post(self, request: Request) -> Response:
        """Set how far back a worker reads; the next run fills the gap. What is covered is not read again."""
        wanted = asked(request, CursorInput)
        account = account_or_404(request, wanted["account_id"])
        state = history.want_since(
            account, wanted["worker"], history.start_named(wanted.get("value", "backfill")),
            reason=wanted["reason"], by=principal_of_request(request),
        )  # fmt: skip
        return Response(CursorSerializer(state).data)


class Schedule(APIView):
    """When the workers run next."""

    @extend_schema(
        parameters=[ScheduleInput, OpenApiParameter("limit", int), OpenApiParameter("offset", int)],
        responses=ScheduleSerializer,
    )
    def get(self, request: Request) -> Response:
        """The runs that the schedule will start in the next `hours` (24, at most 168)."""
        refuse_unknown(request, {"account_id", "hours", "limit", "offset"})
        wanted = asked_in_query(request, ScheduleInput)
        coming = schedule(_accounts(request, wanted), length=timedelta(hours=wanted["hours"]))
        pages = Pages()
        page = pages.paginate_queryset(coming.runs, request, self)
        answer = pages.get_paginated_response(UpcomingSerializer(page, many=True).data)
        answer.data["held_back"] = HeldBackSerializer(coming.held_back, many=True).data
        return answer


def _accounts(request: Request, wanted: dict[str, Any]) -> list[EbayAccount]:
    if "account_id" in wanted:
        return [account_or_404(request, wanted["account_id"])]
    visible = EbayAccount.objects.visible_to(principal_of_request(request))
    return list(visible.filter(is_active=True).select_related("token"))
