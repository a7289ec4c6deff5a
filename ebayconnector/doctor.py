"""What `manage.py doctor` looks at: one finding per thing, with what to do about it. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from django.conf import settings
from django.core.checks import run_checks
from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone
from django_q.models import Schedule

from accounts.access import SYSTEM
from accounts.display import from_now
from accounts.models import EbayAccount
from accounts.notice_mail import undelivered
from syncworkers.models import SyncState
from syncworkers.registry import WORKERS, Worker
from tokens import scopes, sealing, wire
from tokens.key_use import key_uses
from tokens.models import ConnectLog, SigningKey
from tokens.selectors import TokenRow, pauses_in_force, schedule_status, stored_secrets, token_rows
from tokens.services.notification_setup import setup_states
from tokens.services.signing import current_key, why_unusable
from tokens.services.signing_setup import RENEW_BEFORE

from .clusters import cluster_names
from .ebay.errors import EbayError
from .ebay.masking import mask_text, mask_tokens
from .ebay.signatures import seller_must_sign
from .ebay.transport import Call, Caller
from .health import readiness
from .schedules import JOBS, Job

OLDEST_POSTGRESQL = 15
# django-q2's scheduler wakes every 30 s and may be a restart late.
_SCHEDULE_LATE = timedelta(minutes=2)
_CONSENT_ENDS_SOON = timedelta(days=60)
_REACH_WITHIN_S = 5.0


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """`what` was looked at, `detail` is how it is, `advice` what to do ('' when there is nothing to do)."""

    level: Level
    what: str
    detail: str
    advice: str = ""


def diagnose() -> Iterator[Finding]:
    """All findings, in the order in which one would repair things.

    Without a database, or with tables of another release, what needs them is not looked at.
    """
    yield from _examine("settings", _settings)
    database = list(_examine("database", _database))
    yield from database
    if any(finding.level == Level.PROBLEM for finding in database):
        return
    for what, check in _CHECKS.items():
        yield from _examine(what, check)


def _examine(what: str, check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        for finding in check():
            # Texts are masked where they arise; should one hold a token all the same, it ends here.
            yield replace(finding, detail=mask_tokens(finding.detail))
    except (DatabaseError, InterfaceError) as failure:
        reason = mask_text(str(failure).strip().partition("\n")[0])
        yield Finding(
            Level.PROBLEM, what, f"the database refused: {reason}", "check DATABASE_URL and the server"
        )
    # One check that cannot be made must not hide the findings of the others.
    except Exception as failure:
        yield Finding(
            Level.PROBLEM, what, f"could not be checked: {type(failure).__name__}", "report this as a fault"
        )


def _settings() -> Iterator[Finding]:
    messages = [message for message in run_checks() if not message.is_silenced()]
    for message in messages:
        level = Level.PROBLEM if message.is_serious() else Level.WARNING
        yield Finding(level, "settings", f"{message.id}: {message.msg}", message.hint or "")
    if not messages:
        yield Finding(Level.OK, "settings", "all system checks passed")


def _database() -> Iterator[Finding]:
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


def _processes() -> Iterator[Finding]:
    yield from _ready(
        clusters=f"{', '.join(cluster_names())} are running",
        sniper="an executor is running, or no snipe waits",
        release="all processes run this release",
        key_ring="all processes have this key ring",
    )


def _tokens() -> Iterator[Finding]:
    """Whether every stored token opens, also those of deactivated accounts: they may come back."""
    opened = closed = 0
    for account in EbayAccount.objects.exclude(token=None).select_related("token").order_by("id"):
        stored = [secret for secret in stored_secrets(account) if secret.stored]
        problems = [f"{secret.field}: {secret.problem}" for secret in stored if secret.problem]
        opened += len(stored) - len(problems)
        closed += len(problems)
        if problems:
            yield Finding(
                Level.PROBLEM, "tokens", f"{_name(account)}: {'; '.join(problems)}",
                "put the key back into TOKEN_ENCRYPTION_KEYS and restart, or reconnect the account",
            )  # fmt: skip
    level = Level.PROBLEM if closed else Level.OK
    yield Finding(level, "tokens", f"{opened} of {opened + closed} stored tokens open{_newest_key()}")


def _newest_key() -> str:
    try:
        return f"; new ones are sealed under key {sealing.key_ring().newest_id}"
    except sealing.KeyRingError:
        return ""


def _keys() -> Iterator[Finding]:
    """How much each key seals; whether single tokens open is another check's business."""
    try:
        uses = key_uses()
    except sealing.KeyRingError as failure:
        advice = "docs/operations.md, Keys, says how to make one"
        yield Finding(Level.PROBLEM, "keys", f"TOKEN_ENCRYPTION_KEYS: {failure}", advice)
        return
    for use in uses:
        detail = f"{use.key_id or 'no key'} ({use.standing}): {use.values} sealed values"
        if use.standing == "newest":
            yield Finding(Level.OK, "keys", detail)
        elif use.standing == "older" and use.values:
            yield Finding(Level.WARNING, "keys", detail, "manage.py rotate_token_keys")
        elif use.standing == "older":
            yield Finding(Level.OK, "keys", f"{detail}: take it out of TOKEN_ENCRYPTION_KEYS")
        else:
            places = ", ".join(sorted(use.places))
            advice = "put the key back, or reconnect the accounts and renew the signing key"
            yield Finding(Level.WARNING, "keys", f"{detail} in {places}", advice)


def _schedules() -> Iterator[Finding]:
    findings = [finding for job in JOBS if (finding := _schedule_fault(job))]
    unknown = Schedule.objects.exclude(name__in=[job.name for job in JOBS]).values_list("name", flat=True)
    if unknown:
        names = ", ".join(sorted(str(name) for name in unknown))
        findings.append(
            Finding(
                Level.WARNING, "schedules", f"not ours: {names}", "manage.py setup_schedules removes them"
            )
        )
    yield from findings or [Finding(Level.OK, "schedules", f"all {len(JOBS)} are in place and on time")]


def _schedule_fault(job: Job) -> Finding | None:
    rows = list(Schedule.objects.filter(name=job.name))
    every = timedelta(minutes=job.every_minutes)
    now = timezone.now()
    rewrite = "run manage.py setup_schedules"
    if len(rows) != 1:
        how = "is missing" if not rows else f"is there {len(rows)} times"
        return Finding(Level.PROBLEM, "schedules", f"{job.name} {how}", rewrite)
    row = rows[0]
    wanted = (job.task, Schedule.MINUTES, job.every_minutes, -1)
    if (row.func, row.schedule_type, row.minutes, row.repeats) != wanted:
        return Finding(Level.PROBLEM, "schedules", f"{job.name} was changed", rewrite)
    if row.next_run > now + every:
        return Finding(Level.PROBLEM, "schedules", f"{job.name} starts {from_now(row.next_run)}", rewrite)
    if row.next_run < now - _SCHEDULE_LATE:
        advice = "the core cluster starts it: see its log and restart it"
        return Finding(
            Level.PROBLEM, "schedules", f"{job.name} was to start {from_now(row.next_run)}", advice
        )
    return None


def _refresh_job() -> Iterator[Finding]:
    status = schedule_status(SYSTEM)
    success = f"last success: {from_now(status.last_success_at)}"
    see = "see manage.py inspect_refresh_runtime"
    if status.overdue:
        started = f"last started: {from_now(status.worker.last_started_at)}"
        yield Finding(
            Level.PROBLEM, "token refresh", f"the schedule {started}; {success}", "start the core cluster"
        )
    elif status.status == "ok":
        yield Finding(Level.OK, "token refresh", success)
    elif status.status == "error":
        errors = status.last_error_message[:300]
        yield Finding(Level.PROBLEM, "token refresh", f"the last cycle failed: {errors}; {success}", see)
    else:
        how = "some accounts failed in the last cycle" if status.status else "no cycle has ended yet"
        yield Finding(Level.WARNING, "token refresh", f"{how}; {success}", see)


def _terminal() -> Iterator[Finding]:
    since = timezone.now() - timedelta(days=1)
    lost = ConnectLog.objects.filter(action=wire.NOT_KEPT, created_at__gt=since).count()
    if lost:
        detail = f"{lost} exchange{'s were' if lost > 1 else ' was'} not kept since yesterday"
        advice = "report it as a fault; the log of the process says why"
        yield Finding(Level.PROBLEM, "terminal", detail, advice)
    else:
        yield Finding(Level.OK, "terminal", "every exchange since yesterday was kept")


def _environments() -> list[str]:
    """Those that active accounts are in."""
    names = EbayAccount.objects.filter(is_active=True).values_list("environment", flat=True)
    return sorted(set(names))


def _keysets() -> Iterator[Finding]:
    for name in _environments():
        try:
            wire.application(name)
        except wire.ApplicationNotConfigured as failure:
            yield Finding(
                Level.PROBLEM, "keyset", f"{name}: {failure}", "copy them from eBay's developer page"
            )
        else:
            yield Finding(Level.OK, "keyset", f"{name} is configured")


def _signing_keys() -> Iterator[Finding]:
    for name in _environments():
        key = current_key(name)
        yield _missing_key(name) if key is None else _key_state(name, key)


def _missing_key(environment: str) -> Finding:
    accounts = EbayAccount.objects.filter(environment=environment, is_active=True).order_by("id")
    names = [_name(account) for account in accounts if seller_must_sign(account.marketplace_id)]
    if not names:
        return Finding(Level.OK, "signing key", f"{environment}: there is none, and no account needs one")
    return Finding(
        Level.WARNING, "signing key",
        f"{environment}: there is none; sellers of the EU and UK get no Finances: {', '.join(names)}",
        f"manage.py setup_signing_key --environment {environment}",
    )  # fmt: skip


def _key_state(environment: str, key: SigningKey) -> Finding:
    if problem := why_unusable(key):
        advice = "put the key back into TOKEN_ENCRYPTION_KEYS and restart, or setup_signing_key --force"
        return Finding(Level.PROBLEM, "signing key", f"{environment}: {problem}", advice)
    remaining = key.expires_at - timezone.now()
    detail = f"{environment}: {key.cipher}, ends {from_now(key.expires_at)}"
    if remaining > RENEW_BEFORE:
        return Finding(Level.OK, "signing key", detail)
    level = Level.WARNING if remaining > timedelta(0) else Level.PROBLEM
    return Finding(
        level, "signing key", detail, "the daily job failed to renew it: manage.py setup_signing_key"
    )


def _notifications() -> Iterator[Finding]:
    for state in setup_states(_environments()):
        yield Finding(Level(state.level), "notifications", state.detail, state.advice)


def _mails() -> Iterator[Finding]:
    waiting = undelivered()
    if waiting:
        detail = f"notices that cannot be sent: {len(waiting)}: {waiting[0].error}"
        yield Finding(Level.PROBLEM, "e-mail", detail, "check EMAIL_URL, and the admins' addresses")
    else:
        where = settings.EMAIL_BACKEND.split(".")[-2]
        yield Finding(Level.OK, "e-mail", f"no notice waits for the mail server ({where})")


def _ebay() -> Iterator[Finding]:
    for name in _environments():
        yield _reach(name)


def _reach(name: str) -> Finding:
    """Any answer will do: without credentials it is rarely a 200."""
    host = wire.environment(name).api
    call = Call(
        environment=name, api="doctor", endpoint="reach", method="GET", url=f"{host}/", headers={}, body=None,
        attempt=1, caller=Caller(source="doctor"),
    )  # fmt: skip
    try:
        status: int | None = wire.transport().send(call, deadline_s=_REACH_WITHIN_S, connect_s=3.0).status
    except EbayError as failure:
        if failure.status is None:
            advice = "check name resolution, firewall and proxy of this machine"
            return Finding(Level.PROBLEM, "eBay", f"{name}: {host}: {failure.summary}", advice)
        status = failure.status
    return Finding(Level.OK, "eBay", f"{name}: {host} answers ({status})")


def _active_accounts() -> list[EbayAccount]:
    return list(EbayAccount.objects.filter(is_active=True).select_related("token").order_by("id"))


def _scopes() -> Iterator[Finding]:
    lacking = 0
    rows = [row for row in token_rows(_active_accounts()) if row.token is not None]
    for row in rows:
        missing = [_wants(worker) for worker in _switched_on(row.account) if not _may(row, worker)]
        lacking += bool(missing)
        if missing:
            yield Finding(
                Level.PROBLEM, "scopes", f"{_name(row.account)} did not grant: {'; '.join(missing)}",
                "reconnect the account to grant it, or switch the worker off",
            )  # fmt: skip
    if not lacking:
        yield Finding(Level.OK, "scopes", f"connected accounts: {len(rows)}, all granted what they need")


def _switched_on(account: EbayAccount) -> list[Worker]:
    """A worker without a row yet starts as the account's purpose says."""
    switches = dict(SyncState.objects.filter(account=account).values_list("api_family", "enabled"))
    return [
        worker
        for worker in WORKERS.values()
        if switches.get(worker.key, account.purpose in worker.purposes)
        and account.environment in worker.environments
    ]


def _may(row: TokenRow, worker: Worker) -> bool:
    return row.token is not None and scopes.covers(row.token.granted_scopes, worker.scopes)


def _wants(worker: Worker) -> str:
    return f"{' or '.join(scope.rpartition('/')[2] for scope in worker.scopes)} (for {worker.key})"


def _accounts() -> Iterator[Finding]:
    rows = token_rows(_active_accounts())
    faults = [finding for row in rows if (finding := _account_fault(row))]
    yield from faults or [Finding(Level.OK, "accounts", f"{len(rows)} active, all well")]


def _account_fault(row: TokenRow) -> Finding | None:
    name = _name(row.account)
    if row.status.needs_person:
        advice = "an admin connects it on the account's page"
        return Finding(Level.PROBLEM, "accounts", f"{name}: {row.status.code}: {row.status.reason}", advice)
    if row.status.code in ("error", "expired"):
        detail = f"{name}: {row.status.code}: {row.status.reason} {row.failures_in_row} failures in a row."
        return Finding(
            Level.WARNING, "accounts", detail, "it is tried again; the terminal shows the exchange"
        )
    ends = row.token.refresh_token_expires_at if row.token else None
    if ends is not None and ends - timezone.now() <= _CONSENT_ENDS_SOON:
        return Finding(
            Level.WARNING, "accounts", f"{name}: its consent ends {from_now(ends)}", "reconnect it before"
        )
    return None


def _pauses() -> Iterator[Finding]:
    pauses = list(pauses_in_force())
    for pause in pauses:
        whom = _name(pause.account) if pause.account else "all accounts"
        yield Finding(
            Level.WARNING, "pauses",
            f"{pause.environment} {pause.api}, {whom}: ends {from_now(pause.until)} ({pause.reason})",
            "nothing: calls go on by themselves",
        )  # fmt: skip
    if not pauses:
        yield Finding(Level.OK, "pauses", "no API is paused")


def _name(account: EbayAccount) -> str:
    """House names repeat between organisations."""
    return f"{account.house_name} (id {account.pk})"


_CHECKS: dict[str, Callable[[], Iterator[Finding]]] = {
    "processes": _processes,
    "tokens": _tokens,
    "keys": _keys,
    "schedules": _schedules,
    "token refresh": _refresh_job,
    "terminal": _terminal,
    "keyset": _keysets,
    "signing key": _signing_keys,
    "notifications": _notifications,
    "e-mail": _mails,
    "eBay": _ebay,
    "scopes": _scopes,
    "accounts": _accounts,
    "pauses": _pauses,
}
