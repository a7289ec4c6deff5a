"""Settings, database, processes and the mail server."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.core.checks import run_checks
from django.db import connection

from accounts.notice_mail import undelivered
from ebayconnector.clusters import cluster_names
from ebayconnector.health import readiness

from .findings import Finding, Level

OLDEST_POSTGRESQL = 15


def settings_checks() -> Iterator[Finding]:
    messages = [message for message in run_checks() if not message.is_silenced()]
    for message in messages:
        level = Level.PROBLEM if message.is_serious() else Level.WARNING
        yield Finding(level, "settings", f"{message.id}: {message.msg}", message.hint or "")
    if not messages:
        yield Finding(Level.OK, "settings", "all system checks passed")
    older = len(settings.SECRET_KEY_FALLBACKS)
    if older:
        yield Finding(
            Level.WARNING, "settings",
            f"SECRET_KEY_FALLBACKS holds {older} older key{'s' if older > 1 else ''}: sessions and links "
            "that were signed with it are still accepted",
            "take out at once what others may know; else keep it while rows are stored whose people were "
            "noted under it (docs/operations.md)",
        )  # fmt: skip


def database() -> Iterator[Finding]:
    if not settings.DATABASE_URL:
        yield Finding(
            Level.PROBLEM, "database", "DATABASE_URL is not set",
            f"postgres://user:password@host:5432/name (PostgreSQL {OLDEST_POSTGRESQL} or later)",
        )  # fmt: skip
        return
    connection.ensure_connection()
    major, minor = divmod(connection.pg_version, 10_000)  # type: ignore[attr-defined]
    if major < OLDEST_POSTGRESQL:
        advice = f"upgrade the server to PostgreSQL {OLDEST_POSTGRESQL} or later"
        yield Finding(Level.PROBLEM, "database", f"PostgreSQL {major}.{minor} is too old", advice)
        return
    yield Finding(Level.OK, "database", f"PostgreSQL {major}.{minor} answers")
    yield from _ready(migrations="all are applied")


# What /readyz asks as well, with what to do where its own words do not say it.
_ADVICE = {
    "migrations": "after it, restart all processes",
    "clusters": "run each under a supervisor (docs/operations.md)",
    "sniper": "run one or two under a supervisor (docs/sniper.md)",
    "release": "restart it from this release, or set RELEASE alike everywhere",
    "key_ring": "give every process the same TOKEN_ENCRYPTION_KEYS and restart it",
}


def _ready(**fine: str) -> Iterator[Finding]:
    """Checks of /readyz by name, with what to say when they hold."""
    for check in readiness():
        if check.name not in fine:
            continue
        if check.ok:
            yield Finding(Level.OK, check.name, fine[check.name])
        else:
            yield Finding(Level.PROBLEM, check.name, check.detail, _ADVICE[check.name])


def processes() -> Iterator[Finding]:
    yield from _ready(
        clusters=f"{', '.join(cluster_names())} are running",
        sniper="an executor is running, or no snipe waits",
        release="all processes run this release",
        key_ring="all processes have this key ring",
    )


def mails() -> Iterator[Finding]:
    waiting = undelivered()
    if waiting:
        detail = f"notices that cannot be sent: {len(waiting)}: {waiting[0].error}"
        yield Finding(Level.PROBLEM, "e-mail", detail, "check EMAIL_URL, and the admins' addresses")
    else:
        where = settings.EMAIL_BACKEND.split(".")[-2]
        yield Finding(Level.OK, "e-mail", f"no notice waits for the mail server ({where})")
