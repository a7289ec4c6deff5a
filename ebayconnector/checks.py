"""System checks: what must be right before the server, a cluster or a command starts.

They run with `manage.py check`, before every management command, and at the start of the web process.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register, run_checks
from django.core.exceptions import ImproperlyConfigured

from tokens import sealing

_MINIMUM_SECRET_LENGTH = 40
_MINIMUM_METRICS_TOKEN_LENGTH = 20


@register()
def secret_key(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    if settings.DEBUG:
        return []
    try:
        key = settings.SECRET_KEY
    except ImproperlyConfigured:
        # Django raises when an empty key is read.
        key = ""
    if len(key) >= _MINIMUM_SECRET_LENGTH and len(set(key)) >= 10 and "insecure" not in key:
        return []
    return [
        Error(
            "SECRET_KEY is missing or weak",
            hint=f"Set SECRET_KEY or SECRET_KEY_FILE to {_MINIMUM_SECRET_LENGTH} or more random characters: "
            'python -c "import secrets; print(secrets.token_urlsafe(48))"',
            id="ebayconnector.E001",
        )
    ]


@register()
def metrics_token(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    token = settings.METRICS_TOKEN
    if settings.DEBUG or not token or len(token) >= _MINIMUM_METRICS_TOKEN_LENGTH:
        return []
    return [
        Error(
            "METRICS_TOKEN is weak",
            hint=f"{_MINIMUM_METRICS_TOKEN_LENGTH} or more random characters, or empty for no /metrics.",
            id="ebayconnector.E005",
        )
    ]


@register()
def database_url(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    if settings.DATABASE_URL or settings.DEBUG:
        return []
    return [
        Error(
            "DATABASE_URL is not set",
            hint="postgres://user:password@host:5432/name (PostgreSQL 15+). `make demo` brings its own.",
            id="ebayconnector.E002",
        )
    ]


@register()
def token_keys(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    if settings.DEBUG and not settings.TOKEN_ENCRYPTION_KEYS:
        return []
    try:
        sealing.KeyRing.from_settings(settings.TOKEN_ENCRYPTION_KEYS)
    except sealing.KeyRingError as failure:
        return [
            Error(
                f"TOKEN_ENCRYPTION_KEYS cannot be used: {failure}",
                hint="Comma-separated, newest first, each 32 random bytes in URL-safe base64: "
                'python -c "import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())"',
                id="ebayconnector.E003",
            )
        ]
    return []


@register()
def queue_retries(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """django-q2 hands a job out again `retry` seconds after it was *pulled*, waiting time included."""
    base = settings.Q_CLUSTER
    problems: list[CheckMessage] = []
    for name, own in {base["name"]: {}, **base["ALT_CLUSTERS"]}.items():
        conf = {**base, **own}
        waves = 1 + math.ceil((conf["queue_limit"] + conf["bulk"]) / conf["workers"])
        needed = conf["timeout"] * waves + 60
        if conf["retry"] < needed:
            problems.append(
                Error(
                    f"Q_CLUSTER {name}: retry is {conf['retry']} s but must be at least {needed} s",
                    hint="Otherwise a job that still waits or runs is handed out a second time.",
                    id="ebayconnector.E004",
                )
            )
    return problems


def refuse_to_start_when_unsafe() -> None:
    """Raise ImproperlyConfigured when a check reports an error (for servers, which run no checks)."""
    errors = [message for message in run_checks() if message.is_serious()]
    if errors:
        raise ImproperlyConfigured("; ".join(f"({e.id}) {e.msg}. {e.hint or ''}" for e in errors))
