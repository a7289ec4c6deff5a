"""What refuses to start, and says why."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.core.checks import run_checks

pytestmark = pytest.mark.slow

GOOD = {
    "SECRET_KEY": "k3y-" + "abcdefghijklmnopqrstuvwxyz0123456789-ABCDEF",
    "TOKEN_ENCRYPTION_KEYS": base64.urlsafe_b64encode(bytes(range(32))).decode(),
    "DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing",
    "DEBUG": "false",
}


# One interpreter reads the program once and forks: sixteen that read it cost twenty seconds of a processor.
_SERVE_EACH = """
import json, os, sys, traceback
import ebayconnector.wsgi
from django.conf import settings
from django.utils.functional import empty

def serve(env):
    settings._wrapped = empty
    for name in ("ebayconnector.settings", "ebayconnector.wsgi"):
        del sys.modules[name]
    os.environ.clear()
    os.environ.update(env)
    import ebayconnector.wsgi

print("serving", flush=True)
for line in sys.stdin:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(writing, 2)
        code = 1
        try:
            serve(json.loads(line))
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading) as said:
        words = said.read()
    print(json.dumps([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), words]), flush=True)
"""


def environment(**changes: str) -> dict[str, str]:
    """Only these variables, as a server has them."""
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(settings.BASE_DIR), **GOOD, **changes}
    return {name: value for name, value in env.items() if value}


@pytest.fixture(scope="module")
def serve():
    """`serve(…)` imports the WSGI application as a server does; returns the exit code and what it said."""
    with subprocess.Popen(
        [sys.executable, "-c", _SERVE_EACH], env=environment(), cwd="/", text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout.readline() == "serving\n"

        def import_wsgi(**changes: str) -> tuple[int, str]:
            process.stdin.write(json.dumps(environment(**changes)) + "\n")
            process.stdin.flush()
            code, words = json.loads(process.stdout.readline())
            return code, words

        yield import_wsgi
        process.stdin.close()


def test_the_server_starts_with_good_settings(serve):
    code, words = serve()
    assert code == 0, words


@pytest.mark.parametrize("name", ["SECRET_KEY", "TOKEN_ENCRYPTION_KEYS"])
def test_a_server_of_its_own_refuses_too(name):
    done = subprocess.run(
        [sys.executable, "-c", "import ebayconnector.wsgi; print('serving')"],
        env=environment(**{name: ""}), cwd="/", text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "serving" not in done.stdout
    assert name in done.stderr


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY"),
        ({"SECRET_KEY": "a" * 64}, "SECRET_KEY"),
        ({"TOKEN_ENCRYPTION_KEYS": ""}, "TOKEN_ENCRYPTION_KEYS"),
        ({"TOKEN_ENCRYPTION_KEYS": "bm90LTMyLWJ5dGVz"}, "TOKEN_ENCRYPTION_KEYS"),
        ({"TOKEN_ENCRYPTION_KEYS": base64.b64encode(b"\0" * 32).decode()}, "TOKEN_ENCRYPTION_KEYS"),
        ({"DATABASE_URL": ""}, "DATABASE_URL"),
        ({"DATABASE_URL": "sqlite:///x.db"}, "DATABASE_URL"),
        ({"Q_WORKERS": "many"}, "Q_WORKERS"),
        ({"DEBUG": "perhaps"}, "DEBUG"),
        ({"EBAY_ENVIRONMENT": "moon"}, "EBAY_ENVIRONMENT"),
        ({"SECRET_KEY": "", "SECRET_KEY_FILE": "/nowhere/at/all"}, "SECRET_KEY_FILE"),
    ],
)
def test_the_server_refuses_bad_settings_and_names_them(changes, names, serve):
    code, words = serve(**changes)
    assert code != 0
    assert names in words
    for value in changes.values():
        assert len(value) < 12 or "/" in value or value not in words


def test_a_secret_may_come_from_a_file(tmp_path, serve):
    path = tmp_path / "key"
    path.write_text(GOOD["SECRET_KEY"] + "\n")
    code, words = serve(SECRET_KEY="", SECRET_KEY_FILE=str(path))
    assert code == 0, words


def test_too_short_a_retry_of_the_queue_is_an_error(settings):
    settings.Q_CLUSTER = {**settings.Q_CLUSTER, "retry": 100}
    assert "ebayconnector.E004" in {message.id for message in run_checks()}


def test_the_settings_as_they_are_pass():
    assert [message for message in run_checks() if message.is_serious()] == []
