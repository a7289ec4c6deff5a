"""What refuses to start, and says why."""

from __future__ import annotations

import base64
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


def serve(**changes: str) -> subprocess.CompletedProcess[str]:
    """Import the WSGI application as a server does, with only these variables set."""
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(settings.BASE_DIR), **GOOD, **changes}
    return subprocess.run(
        [sys.executable, "-c", "import ebayconnector.wsgi; print('serving')"],
        env={name: value for name, value in env.items() if value},
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )


def test_the_server_starts_with_good_settings():
    done = serve()
    assert done.returncode == 0, done.stderr
    assert "serving" in done.stdout


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
def test_the_server_refuses_bad_settings_and_names_them(changes, names):
    done = serve(**changes)
    assert done.returncode != 0
    assert names in done.stderr
    for value in changes.values():
        assert len(value) < 12 or "/" in value or value not in done.stderr


def test_a_secret_may_come_from_a_file(tmp_path):
    path = tmp_path / "key"
    path.write_text(GOOD["SECRET_KEY"] + "\n")
    assert serve(SECRET_KEY="", SECRET_KEY_FILE=str(path)).returncode == 0


def test_too_short_a_retry_of_the_queue_is_an_error(settings):
    settings.Q_CLUSTER = {**settings.Q_CLUSTER, "retry": 100}
    assert "ebayconnector.E004" in {message.id for message in run_checks()}


def test_the_settings_as_they_are_pass():
    assert [message for message in run_checks() if message.is_serious()] == []
