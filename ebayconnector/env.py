"""Strict reading of the environment: every variable is read here once, by `settings`.

A secret may come from a file instead: `NAME_FILE` holds the path. A value that cannot be read stops
the process with the variable's name and what is expected, never with the value.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, default).strip()


def secret(name: str, default: str = "") -> str:
    """The value of NAME, or the content of the file that NAME_FILE points to."""
    path = text(f"{name}_FILE")
    if not path:
        return text(name, default)
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as failure:
        raise ImproperlyConfigured(
            f"{name}_FILE points to {path}, which cannot be read: {failure}"
        ) from failure


def boolean(name: str, default: bool) -> bool:
    value = text(name).lower()
    if not value:
        return default
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise ImproperlyConfigured(f"{name} must be true or false")


def integer(name: str, default: int, *, minimum: int, maximum: int) -> int:
    value = text(name)
    if not value:
        return default
    try:
        number = int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number") from None
    if not minimum <= number <= maximum:
        raise ImproperlyConfigured(f"{name} must be between {minimum} and {maximum}")
    return number


def words(name: str, default: str = "") -> list[str]:
    """A comma-separated list without empty entries."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def days_by_word(name: str) -> dict[str, timedelta]:
    """`orders=90,transactions=365`: days by word."""
    found = {}
    for entry in words(name):
        word, _, number = entry.partition("=")
        if not number.strip().isdecimal() or not 1 <= int(number) <= 3650:
            raise ImproperlyConfigured(f"{name} must read WORD=DAYS,WORD=DAYS with 1 to 3650 days")
        found[word.strip()] = timedelta(days=int(number))
    return found


def secret_words(name: str) -> list[str]:
    return [word.strip() for word in secret(name).split(",") if word.strip()]


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    value = text(name, default) or default
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(allowed)}")
    return value


@dataclass(frozen=True)
class Mail:
    """Django's settings for sending e-mail."""

    backend: str
    host: str = ""
    port: int = 25
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    tls: bool = False
    ssl: bool = False
    folder: str | None = None


_BACKENDS = "django.core.mail.backends"
# scheme: the port where none is given, STARTTLS, TLS from the first byte
_MAIL_SERVERS = {"smtp": (25, False, False), "smtp+tls": (587, True, False), "smtp+ssl": (465, False, True)}
_MAIL_HELP = "smtp[+tls|+ssl]://user:password@host:port, consolemail:// or filemail:///folder"


def email(name: str, default: str) -> Mail:
    """Where e-mail goes, from a URL that may hold a password (so that it may come from a file)."""
    url = urlsplit(secret(name, default) or default)
    if url.scheme == "consolemail":
        return Mail(f"{_BACKENDS}.console.EmailBackend")
    if url.scheme == "filemail" and url.path:
        return Mail(f"{_BACKENDS}.filebased.EmailBackend", folder=unquote(url.path))
    try:
        port, tls, ssl = _MAIL_SERVERS[url.scheme]
        port = url.port or port
    except (KeyError, ValueError):
        raise ImproperlyConfigured(f"{name} must read {_MAIL_HELP}") from None
    if not url.hostname:
        raise ImproperlyConfigured(f"{name} must read {_MAIL_HELP}")
    user, password = unquote(url.username or ""), unquote(url.password or "")
    return Mail(f"{_BACKENDS}.smtp.EmailBackend", url.hostname, port, user, password, tls, ssl)
