"""One database is migrated while xdist's workers collect, and each worker copies it.

The migrations take seven seconds of a processor, a copy next to nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

from django.conf import settings

from tests.waiting import eventually

_NAME = "template_of_tests"
_RESULT = "TEST_TEMPLATE_RESULT"
_MIGRATE = f"""
import gc
gc.disable()  # a third of the time: each step makes all models anew
import django
django.setup()
from django.core.management import call_command
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("CREATE DATABASE {_NAME}")
connection.close()
connection.settings_dict["NAME"] = "{_NAME}"
call_command("migrate", run_syncdb=True, verbosity=0, interactive=False)
"""
_making: tuple[subprocess.Popen[str], threading.Thread] | None = None


def begin(folder: Path) -> None:
    """In the controller: make it, and tell the workers by a file what came of it."""
    global _making
    result = folder / "template-result"
    os.environ[_RESULT] = str(result)
    process = subprocess.Popen(
        [sys.executable, "-c", _MIGRATE], cwd=settings.BASE_DIR, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    thread = threading.Thread(target=_tell, args=(process, result))
    thread.start()
    _making = process, thread


def _tell(process: subprocess.Popen[str], result: Path) -> None:
    output, _ = process.communicate()
    unfinished = result.with_suffix(".part")
    unfinished.write_text(output if process.returncode else "")
    unfinished.rename(result)


def end() -> None:
    """In the controller: nothing is left of it, however the session ended."""
    if _making is not None:
        process, thread = _making
        process.kill()
        thread.join()


def use() -> None:
    """In a worker: copy it once it is there. AssertionError with its output when the migrations failed."""
    if _RESULT not in os.environ:
        return
    result = Path(os.environ[_RESULT])
    eventually(result.exists, within_s=180, what="the migrated database")
    output = result.read_text()
    assert not output, output
    settings.DATABASES["default"]["TEST"]["TEMPLATE"] = _NAME
