"""Known secrets are used for real; then everything that was written is searched for them."""

from __future__ import annotations

import base64
import logging
import os
import pickle
import re
from io import StringIO
from pathlib import Path
from urllib.parse import quote, quote_plus, unquote_plus

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import get_resolver
from django_q.models import OrmQ, Task

from accounts.access import principal_of_user
from accounts.models import Organization, Role, User
from accounts.services import create_api_key
from ebayconnector.ebay.analytics import rate_limits
from syncworkers.models import Trigger, WorkerRun
from syncworkers.registry import WORKERS
from syncworkers.services import runs
from tests.factories import PASSWORD
from tests.processes import running_cluster
from tests.test_flows import connected
from tests.waiting import eventually
from tokens.models import EbayToken, ProcessHeartbeat, RefreshTrigger
from tokens.services import cycle
from tokens.services.clients import application_client_for
from tokens.services.refresh import refresh_now

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
]


def secrets_that_were_used(simulator) -> dict[str, str]:
    """Every token, code and key that travelled in this test, by a name to report."""
    found = {
        "client secret": django_settings.EBAY_APPLICATIONS["simulator"]["client_secret"],
        "SECRET_KEY": django_settings.SECRET_KEY,
    }
    found |= {f"sealing key {n}": key for n, key in enumerate(django_settings.TOKEN_ENCRYPTION_KEYS)}
    application = django_settings.EBAY_APPLICATIONS["simulator"]
    pair = f"{application['client_id']}:{application['client_secret']}"
    found["basic credentials"] = base64.b64encode(pair.encode()).decode()
    for entry in simulator.requests(limit=10_000):
        headers = {name.lower(): value for name, value in entry["headers"].items()}
        for name in ("authorization", "x-ebay-api-iaf-token"):
            value = headers.get(name, "").removeprefix("Bearer ").removeprefix("Basic ")
            if value:
                found[f"{name} of {entry['path']} {entry['seq']}"] = value
        for name in ("refresh_token", "code"):
            form = re.search(rf"(?:^|&){name}=([^&]+)", entry["body"] or "")
            if form:
                found[f"{name} {entry['seq']}"] = unquote_plus(form[1])
    return found


def needles(value: str) -> set[str]:
    """What a leak would look like: whole, or a long part from the middle, encoded or not."""
    middle = value[len(value) // 3 : len(value) // 3 + 40]
    forms = {value, middle} | ({quote(value, safe=""), quote_plus(value), quote(middle, safe="")})
    return {form for form in forms if len(form) >= 12}


def every_row() -> dict[str, str]:
    """All tables of the database as text; what django-q2 pickled, unpickled."""
    texts = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            texts[f"table {table}"] = "\n".join(row[0] for row in cursor.fetchall())
    texts["queue payloads"] = "\n".join(str(row.task) for row in OrmQ.objects.all())
    texts["job arguments"] = "\n".join(f"{t.args} {t.kwargs} {t.result}" for t in Task.objects.all())
    texts["job pickles"] = "\n".join(repr(pickle.dumps((t.args, t.kwargs))) for t in Task.objects.all())
    return texts


def every_page(client: Client) -> dict[str, str]:
    """Each page and list that needs no argument, of console and API, plus those of the things at hand."""
    texts = {}
    for route in sorted(set(simple_routes())):
        response = client.get(f"/{route}")
        body = b"".join(response.streaming_content) if response.streaming else response.content
        texts[f"page /{route}"] = body.decode(errors="replace")
    return texts


def simple_routes():
    """Addresses without placeholders, from the URLconf; placeholders of ids are filled with 1."""

    def walk(patterns, prefix):
        for pattern in patterns:
            text = prefix + str(pattern.pattern).replace("^", "").replace("$", "").replace("/?", "/")
            text = text.replace(r"\Z", "")
            if hasattr(pattern, "url_patterns"):
                yield from walk(pattern.url_patterns, text)
            else:
                yield re.sub(r"<[^>]+>", "1", text)

    for route in walk(get_resolver().url_patterns, ""):
        if not re.search(r"[()\\?]", route) and "logout" not in route and "/add" not in route:
            yield route


def said_by_commands() -> dict[str, str]:
    """What the commands about tokens and keys print, whether or not they find all well."""
    texts = {}
    for command in ("rotate_token_keys", "inspect_tokens", "inspect_refresh_runtime", "doctor"):
        out = StringIO()
        try:
            call_command(command, stdout=out, stderr=out)
        except CommandError as failure:
            out.write(str(failure))
        texts[f"manage.py {command}"] = out.getvalue()
    return texts


def test_no_secret_is_written_anywhere(simulator, tmp_path, caplog, settings):
    caplog.set_level(logging.DEBUG)
    account = connected(simulator)
    organization = Organization.objects.get()
    principal = principal_of_user(User.objects.get())
    _, api_key = create_api_key(organization=organization, name="erp", role=Role.VIEWER, by=principal)
    refresh_now(account.pk, trigger=RefreshTrigger.DEBUG)
    simulator.post("tokens/expire", seller=account.username)
    environment = {"LOG_LEVEL": "DEBUG", "PYTHONWARNINGS": "default"}
    with (
        running_cluster("sync", tmp_path, **environment),
        running_cluster("tokens", tmp_path, **environment),
    ):
        requested = runs.request_run(account, WORKERS["orders"], trigger=Trigger.MANUAL, by="olga")
        eventually(lambda: WorkerRun.objects.filter(pk=requested.run_id, finished_at__isnull=False).exists())
        EbayToken.objects.update(last_refreshed_at="2020-01-01T00:00Z")
        started = cycle.start_cycle(scheduled=True)
        eventually(lambda: type(started).objects.filter(pk=started.pk, finished_at__isnull=False).exists())
        simulator.fault("/identity/v1/oauth2/token", "malformed_json")
        refresh_now(account.pk, trigger=RefreshTrigger.ADMIN)
        simulator.post("tokens/revoke", seller=account.username)
        refresh_now(account.pk, trigger=RefreshTrigger.ADMIN)
    rate_limits(application_client_for("simulator", source="canary"))
    new_key = base64.b64encode(os.urandom(32)).decode()
    # The clusters were killed, which leaves their heartbeats for half a minute.
    ProcessHeartbeat.objects.all().delete()
    settings.TOKEN_ENCRYPTION_KEYS = [new_key, *settings.TOKEN_ENCRYPTION_KEYS]
    said = said_by_commands()
    assert "nothing is left under key" in said["manage.py rotate_token_keys"]
    client = Client()
    User.objects.create_superuser("root", password=PASSWORD)
    client.login(username="root", password=PASSWORD)
    written = said | every_row() | every_page(client)
    written["our log at DEBUG"] = caplog.text
    for log in Path(tmp_path).glob("*.log"):
        written[log.name] = log.read_text(errors="replace")
    written["PostgreSQL's log"] = Path(postgres_log()).read_text(errors="replace")
    used = secrets_that_were_used(simulator) | {"API key": api_key}

    assert len(used) > 8
    assert len(written) > 40
    assert "token_refresh_path" in caplog.text
    leaks = {
        f"{name} in {where}"
        for name, value in used.items()
        for where, text in written.items()
        for needle in needles(value)
        if needle in text
    }
    assert leaks == set()


def postgres_log() -> str:
    """Where the embedded server logs; conftest wrote it down."""
    return os.environ["TEST_POSTGRES_LOG"]
