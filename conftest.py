"""What must stand before Django's settings are read: the environment, and one embedded PostgreSQL.

The controller starts the server and stops it; xdist's workers inherit DATABASE_URL. The settings module is
named here and not in pytest.ini, because pytest-django would read it before the server runs.
"""

from __future__ import annotations

import base64
import gc
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import IO

import pytest
from hypothesis import settings

from ebayconnector import embedded_postgres

_ENVIRONMENT = {
    "DJANGO_SETTINGS_MODULE": "ebayconnector.settings",
    "DEBUG": "false",
    "SECRET_KEY": "test-only-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEF",
    "TOKEN_ENCRYPTION_KEYS": base64.urlsafe_b64encode(bytes(range(32))).decode(),
    "ALLOWED_HOSTS": "*",
    "LOG_LEVEL": "WARNING",
    "EBAY_SIMULATOR_CLIENT_ID": "SimulatorApp-SIM-0001",
    "EBAY_SIMULATOR_CLIENT_SECRET": "SIM-secret-0001-not-a-real-key",
    "EBAY_SIMULATOR_RUNAME": "Simulator-RuName-1",
}
# How long an example takes is the machine's affair.
settings.register_profile("without deadline", deadline=None)
settings.load_profile("without deadline")
# Without compiled files each of some hundred processes compiles all that it imports, and pytest rewrites all
# tests again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
_owned: tuple[embedded_postgres.Server, IO[str], Path] | None = None


def _start() -> tuple[embedded_postgres.Server, IO[str], Path]:
    home = Path(tempfile.mkdtemp(prefix="ebayconnector-test-"))
    server, lock = embedded_postgres.start(home, database="ebayconnector", durable=False)
    os.environ["DATABASE_URL"] = server.url
    os.environ["TEST_POSTGRES_LOG"] = str(server.log)
    return server, lock, home


os.environ.update(_ENVIRONMENT)
if "PYTEST_XDIST_WORKER" not in os.environ and "TEST_DATABASE_URL" not in os.environ:
    _owned = _start()
elif "TEST_DATABASE_URL" in os.environ:
    os.environ["DATABASE_URL"] = os.environ["TEST_DATABASE_URL"]


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    from django.conf import settings

    from tests import template_database

    assert settings.DATABASES
    # Each test client makes the middleware anew: it need not read every static file each time.
    settings.WHITENOISE_AUTOREFRESH = True
    # A password costs a third of a second on purpose; tests make hundreds of users.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    if _owned is not None and config.getoption("numprocesses", None):
        template_database.begin(_owned[2])


@pytest.hookimpl(tryfirst=True)
def pytest_collection() -> None:
    gc.disable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    from tests.order import long_first

    if hasattr(config, "workerinput"):
        items[:] = long_first(items, config.workerinput["workercount"])


def pytest_collection_finish() -> None:
    """What is loaded by now stays: the garbage collector need not look at it."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    gc.enable()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix):
    from tests import template_database

    if _owned is not None:
        template_database.begin(_owned[2])
    template_database.use()


def pytest_unconfigure(config: pytest.Config) -> None:
    if _owned is not None:
        from tests import template_database

        template_database.end()
        server, lock, home = _owned
        server.stop()
        lock.close()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def quick_flush():
    """Tests whose transactions commit leave an empty database without truncating some sixty tables, and their
    connection to the next one: another one reads the catalogue of all tables again."""
    from django.test import TransactionTestCase

    from tests.database import empty_tables

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda case: empty_tables())
        patch.setattr(TransactionTestCase, "_should_reload_connections", lambda case: False)
        yield


@pytest.fixture(scope="module")
def module_transaction(django_db_setup, django_db_blocker):
    """Rows that a module's fixtures make once: each test begins with them, the end of the module undoes them.

    For modules without transactional tests.
    """
    from django.db import connection, transaction

    with django_db_blocker.unblock(), transaction.atomic():
        with connection.cursor() as cursor:  # it may last as long as the module
            cursor.execute(
                "SELECT set_config(name, '0', true) FROM pg_settings WHERE name LIKE '%%transaction%%timeout'"
            )
        yield
        transaction.set_rollback(True)


@pytest.fixture
def public_folder():
    """A folder that any user may enter; pytest's own are private, and PostgreSQL does not run as root."""
    with tempfile.TemporaryDirectory(prefix="ebayconnector-test-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.fixture(scope="session")
def simulator_server():
    """One simulator for the whole test process; use `simulator`, which begins with a fresh world."""
    from ebayconnector.simulator.config import SimulatorConfig
    from ebayconnector.simulator.server import SimulatorServer

    with SimulatorServer(SimulatorConfig(orders=60)) as server:
        yield server


@pytest.fixture(scope="session")
def simulator_line():
    """The connection to it; no look at the environment or at ~/.netrc before each request."""
    import requests

    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture
def simulator(simulator_server, simulator_line, settings):
    """The simulator with a fresh world and no faults, set as the simulator environment's eBay."""
    from tests.simulator import Simulator

    settings.EBAY_SIMULATOR_URL = simulator_server.url
    control = Simulator(simulator_server.url, simulator_line)
    control.reset()
    return control
