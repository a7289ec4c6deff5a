"""`/healthz`: this process answers. `/readyz`: it can do its work. No login, no secrets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from sniper.selectors import waiting_without_executor
from tokens.models import ProcessHeartbeat
from tokens.processes import key_ring_fingerprint, live_processes

from .clusters import cluster_names


@dataclass(frozen=True)
class Check:
    """One thing that must hold; `detail` says what is wrong, or '' ."""

    name: str
    ok: bool
    detail: str = ""


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 as long as this process serves; the database is not asked."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when every check holds, else 503: `{"ready", "checks": [{"name", "ok", "detail"}]}`."""
    checks = list(readiness())
    ready = all(check.ok for check in checks)
    body = {"ready": ready, "checks": [asdict(check) for check in checks]}
    return JsonResponse(body, status=200 if ready else 503)


def readiness() -> Iterator[Check]:
    """Every check; when the database does not answer, those that need it fail with that reason."""
    for name, check in _CHECKS.items():
        try:
            detail = check()
        except (DatabaseError, InterfaceError):
            detail = "the database does not answer"
        yield Check(name, not detail, detail)


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return ""


def _migrations() -> str:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return f"{len(missing)} migrations are not applied: run manage.py migrate" if missing else ""


def _clusters() -> str:
    running = set(live_processes().filter(kind="cluster", stopping_at=None).values_list("name", flat=True))
    missing = [name for name in cluster_names() if name not in running]
    return f"not running: {', '.join(missing)}; start manage.py cluster NAME" if missing else ""


def _sniper() -> str:
    """Installations that do not snipe need no executor."""
    waiting = waiting_without_executor()
    return f"no executor is running and {waiting} snipes wait; start manage.py sniper" if waiting else ""


def _release() -> str:
    return _others(live_processes().exclude(release=settings.RELEASE), "another release")


def _key_ring() -> str:
    own = key_ring_fingerprint()
    if not own:
        return "TOKEN_ENCRYPTION_KEYS of this process cannot be used"
    return _others(live_processes().exclude(key_ring=own), "another key ring")


def _others(processes: QuerySet[ProcessHeartbeat], what: str) -> str:
    names = sorted({f"{kind} {name}" for kind, name in processes.values_list("kind", "name")})
    return f"{', '.join(names)} runs with {what} than this process" if names else ""


_CHECKS: dict[str, Callable[[], str]] = {
    "database": _database,
    "migrations": _migrations,
    "clusters": _clusters,
    "sniper": _sniper,
    "release": _release,
    "key_ring": _key_ring,
}
