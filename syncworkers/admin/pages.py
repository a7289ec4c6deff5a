"""The addresses of the worker pages that are no ModelAdmin's, under `/admin/`."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpResponseBase
from django.urls import URLPattern, path

from . import acts, board, quotas, run_page

Wrap = Callable[[Callable[..., HttpResponseBase]], Callable[..., HttpResponseBase]]


def pages(staff_only: Wrap) -> list[URLPattern]:
    account = "workers/<int:account_id>/"
    return [
        path("workers/", staff_only(board.workers), name="workers"),
        path("workers/board/", staff_only(board.workers_board), name="workers_board"),
        path("quotas/", staff_only(quotas.quotas), name="quotas"),
        path("quotas/rows/", staff_only(quotas.quota_rows), name="quota_rows"),
        path("workers/runs/<int:run_id>/", staff_only(run_page.run_page), name="run"),
        path("workers/runs/<int:run_id>/lines/", staff_only(run_page.run_lines), name="run_lines"),
        path("workers/runs/<int:run_id>/cancel/", staff_only(acts.cancel_run), name="cancel_run"),
        path("workers/red-button/", staff_only(acts.installation_button), name="installation_button"),
        path("workers/red-button/<int:organization_id>/", staff_only(acts.red_button), name="red_button"),
        path(f"{account}run-all/", staff_only(acts.run_all), name="run_all"),
        path(f"{account}switch/", staff_only(acts.switch_account), name="switch_account"),
        path(f"{account}refresh-token/", staff_only(acts.refresh_token), name="refresh_token"),
        path(f"{account}check-health/", staff_only(acts.check_health), name="check_health"),
        path(f"{account}<slug:family>/run/", staff_only(acts.run_worker), name="run_worker"),
        path(f"{account}<slug:family>/heal-gap/", staff_only(acts.heal_gap), name="heal_gap"),
        path(f"{account}<slug:family>/try-now/", staff_only(acts.try_now), name="try_now"),
        path(f"{account}<slug:family>/switch/", staff_only(acts.switch_worker), name="switch_worker"),
    ]
