"""Routes of workers, runs and data."""

from __future__ import annotations

from accounts.api.routing import Route

from .data import RowDetail, RowList
from .money import OrderMoney, PayoutMoney
from .quotas import Quotas
from .row_sources import SOURCES
from .runs import RunCancel, RunDetail, RunList, RunLogs
from .workers import BreakerReset, Config, Cursor, GlobalToggle, Run, RunAll, Schedule

_WORKERS = "ebay/workers"


def _data_routes(key: str) -> list[Route]:
    address = f"data/{key}/"
    return [
        Route(address, RowList, f"api-data-{key}", {"key": key}),
        Route(f"{address}<int:pk>/", RowDetail, f"api-data-{key}-row", {"key": key}),
    ]


routes = [
    Route(f"{_WORKERS}/config", Config, "api-workers-config", without_api=True),
    Route(f"{_WORKERS}/run", Run, "api-workers-run", without_api=True),
    Route(f"{_WORKERS}/run-all", RunAll, "api-workers-run-all", without_api=True),
    Route(f"{_WORKERS}/breaker-reset", BreakerReset, "api-workers-breaker-reset", without_api=True),
    Route(f"{_WORKERS}/global-toggle", GlobalToggle, "api-workers-toggle", without_api=True),
    Route(f"{_WORKERS}/cursor", Cursor, "api-workers-cursor", without_api=True),
    Route(f"{_WORKERS}/schedule", Schedule, "api-workers-schedule", without_api=True),
    Route(f"{_WORKERS}/quotas", Quotas, "api-workers-quotas", without_api=True),
    Route(f"{_WORKERS}/runs", RunList, "api-runs", without_api=True),
    Route(f"{_WORKERS}/runs/<int:run_id>", RunDetail, "api-run", without_api=True),
    Route(f"{_WORKERS}/runs/<int:run_id>/cancel", RunCancel, "api-run-cancel", without_api=True),
    Route(f"{_WORKERS}/logs/<int:run_id>", RunLogs, "api-run-logs", without_api=True),
    *(route for key in SOURCES for route in _data_routes(key)),
    Route("data/orders/<int:pk>/money", OrderMoney, "api-order-money"),
    Route("data/finances/<int:pk>/money", PayoutMoney, "api-payout-money"),
]
