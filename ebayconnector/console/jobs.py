"""django-q2's tables: read-only, superusers only. Jobs are made and repeated by code, not by hand."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django_q.models import Failure, OrmQ, Schedule, Success

from accounts.scoped_admin import SuperuserAdmin

for model in (Failure, Success, Schedule, OrmQ):
    admin.site.unregister(model)


class _JobAdmin(SuperuserAdmin):
    """Arguments and results are pickles: they are not shown, and never opened here."""

    list_display = ("name", "func", "cluster", "started", "stopped", "success")
    list_filter = ("cluster", "func")
    search_fields = ("name", "func")
    fields = ("name", "func", "cluster", "group", "started", "stopped", "success", "attempt_count")
    succeeded: bool

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.filter(success=self.succeeded).defer("args", "kwargs", "result")


@admin.register(Success)
class SuccessAdmin(_JobAdmin):
    succeeded = True


@admin.register(Failure)
class FailureAdmin(_JobAdmin):
    succeeded = False


@admin.register(Schedule)
class ScheduleAdmin(SuperuserAdmin):
    list_display = ("name", "func", "schedule_type", "minutes", "cron", "next_run", "cluster")
    fields = ("name", "func", "schedule_type", "minutes", "cron", "repeats", "next_run", "cluster")


@admin.register(OrmQ)
class OrmQAdmin(SuperuserAdmin):
    list_display = ("id", "key", "lock")
    list_filter = ("key",)
    fields = ("key", "lock")
