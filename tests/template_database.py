"""One database is migrated while the tests are collected, and each process of pytest copies it.

The migrations take seven seconds of a processor, a copy next to nothing. What they made is kept as SQL until
a migration changes.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from pathlib import Path

from django.conf import settings

from ebayconnector import embedded_postgres
from tests.waiting import eventually

_NAME = "template_of_tests"
_RESULT = "TEST_TEMPLATE_RESULT"
_CACHE = settings.BASE_DIR / ".pytest_cache"
_CREATE = f"CREATE DATABASE {_NAME}"
_MIGRATE = f"""
import gc
gc.disable()  # a third of the time: each step makes all models anew
import django
django.setup()
gc.disable()
from django.core.management import call_command
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("{_CREATE}")
connection.close()
connection.settings_dict["NAME"] = "{_NAME}"
call_command("migrate", run_syncdb=True, verbosity=0, interactive=False)
"""
_making: threading.Thread | None = None


def begin(folder: Path) -> None:
    """In the process that owns the server: make it, and tell the others by a file what came of it."""
    global _making
    result = folder / "template-result"
    os.environ[_RESULT] = str(result)
    _making = threading.Thread(target=_make, args=(_CACHE / f"migrated-{_digest()}.sql", result))
    _making.start()


def _digest() -> str:
    """Of all that decides what the migrations make."""
    files = sorted([*settings.BASE_DIR.glob("*/migrations/*.py"), settings.BASE_DIR / "requirements.txt"])
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


def _make(kept: Path, result: Path) -> None:
    output = _restored(kept) if kept.exists() else _migrated(kept)
    unfinished = result.with_suffix(".part")
    unfinished.write_text(output)
    unfinished.rename(result)


def _restored(kept: Path) -> str:
    server = os.environ["DATABASE_URL"]
    restore = [_program("psql"), "-qX", "-v", "ON_ERROR_STOP=1"]
    return _trouble(*restore, "-c", _CREATE, server) or _trouble(
        *restore, "-o", os.devnull, "-f", kept, _url()
    )


def _migrated(kept: Path) -> str:
    trouble = _trouble(sys.executable, "-c", _MIGRATE)
    if not trouble:
        kept.parent.mkdir(exist_ok=True)
        unfinished = kept.with_suffix(f".{os.getpid()}")
        # Without it the next session migrates again, which is no fault of this one.
        if not _trouble(_program("pg_dump"), "-f", unfinished, _url()):
            for old in kept.parent.glob("migrated-*.sql"):
                old.unlink(missing_ok=True)
            unfinished.rename(kept)
    return trouble


def _program(name: str) -> Path:
    return embedded_postgres.installation() / "bin" / name


def _url() -> str:
    return os.environ["DATABASE_URL"].rpartition("/")[0] + f"/{_NAME}"


def _trouble(*command: str | Path) -> str:
    """What the command says when it fails; empty when it does not."""
    done = subprocess.run(
        command, cwd=settings.BASE_DIR, text=True, check=False,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return (done.stdout or f"{command[0]} ended with {done.returncode}") if done.returncode else ""


def end() -> None:
    """Before the server stops."""
    if _making is not None:
        _making.join()


def use() -> None:
    """Copy it once it is there. AssertionError with its output when the migrations failed."""
    if _RESULT not in os.environ:
        return
    result = Path(os.environ[_RESULT])
    eventually(result.exists, within_s=180, what="the migrated database")
    output = result.read_text()
    assert not output, output
    settings.DATABASES["default"]["TEST"]["TEMPLATE"] = _NAME
