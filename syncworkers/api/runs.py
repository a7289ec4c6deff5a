"""`/api/ebay/workers/runs…` and the log of a run."""

from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.access import principal_of_request
from accounts.api.lists import LogPages, StrictList
from accounts.api.scoping import visible_or_404
from syncworkers.models import WorkerLog, WorkerRun
from syncworkers.services import by_hand

from .filters import LogFilters, RunFilters
from .serializers import CancelledSerializer, LogLineSerializer, RunSerializer


def run_or_404(request: Request, run_id: int) -> WorkerRun:
    return visible_or_404(WorkerRun.objects.select_related("account"), request, run_id)


class RunList(StrictList[WorkerRun]):
    """Runs, newest first. A foreign or unknown `account_id` answers 404."""

    serializer_class = RunSerializer
    filterset_class = RunFilters
    ordering_fields = ("id", "queued_at", "started_at", "finished_at", "rows_fetched", "rows_stored")
    ordering = ("-id",)

    def get_queryset(self) -> QuerySet[WorkerRun]:
        return WorkerRun.objects.visible_to(principal_of_request(self.request)).select_related("account")


class RunDetail(APIView):
    """One run."""

    @extend_schema(responses=RunSerializer)
    def get(self, request: Request, run_id: int) -> Response:
        return Response(RunSerializer(run_or_404(request, run_id)).data)


class RunCancel(APIView):
    """Role operator."""

    @extend_schema(request=None, responses=CancelledSerializer)
    def post(self, request: Request, run_id: int) -> Response:
        """End a queued run now, a running one at its next page."""
        run = run_or_404(request, run_id)
        cancelled = by_hand.cancel(run, by=principal_of_request(request))
        run.refresh_from_db()
        return Response(CancelledSerializer({"cancelled": cancelled, "run": run}).data)


class RunLogs(StrictList[WorkerLog]):
    """The lines of a run's log, oldest first; read on with `after=<id of the last line>`."""

    serializer_class = LogLineSerializer
    filterset_class = LogFilters
    pagination_class = LogPages
    ordering = ("id",)

    def get_queryset(self) -> QuerySet[WorkerLog]:
        if getattr(self, "swagger_fake_view", False):
            return WorkerLog.objects.none()
        return WorkerLog.objects.filter(run=run_or_404(self.request, self.kwargs["run_id"]))
