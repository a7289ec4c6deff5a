"""Real processes that call one function at the same moment."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from django.conf import settings

from tests.processes import child_env

PROCESSES = 8

# One interpreter reads the program once and forks: eight that read it cost ten seconds of a processor.
_SCRIPT = """
import importlib, json, multiprocessing, sys
import django
django.setup()
from django.db import connection
module, name, arguments, named, processes = json.loads(sys.stdin.read())
function = getattr(importlib.import_module(module), name)
forking = multiprocessing.get_context("fork")
ready = forking.Barrier(processes)
def call(_):
    connection.ensure_connection()
    ready.wait(60)
    answer = function(*arguments, **named)
    connection.close()
    return answer
assert connection.connection is None
with forking.Pool(processes) as pool:
    print(json.dumps(pool.map(call, range(processes), chunksize=1)))
"""


def ask_together(function: Any, *arguments: Any, processes: int = PROCESSES, **named: Any) -> list[Any]:
    """What each of the processes got of `function(*arguments, **named)`; all of it goes as JSON."""
    asked = [function.__module__, function.__name__, arguments, named, processes]
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT], env=child_env(LOG_LEVEL="ERROR"), cwd=settings.BASE_DIR, text=True,
        input=json.dumps(asked), capture_output=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
