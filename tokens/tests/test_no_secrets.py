"""Canaries: whatever was secret on the wire is nowhere in what we write."""

from __future__ import annotations

import logging
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from django.db import connection
from django.test import Client
from django_q.models import OrmQ

from accounts.access import SYSTEM, principal_of_user
from accounts.models import EbayAccount
from accounts.services import create_api_key
from ebayconnector import logs
from tests.factories import OrganizationFactory, member
from tests.simulator import consent
from tokens.models import RefreshTrigger
from tokens.services.connect import create_connect_link
from tokens.services.refresh import refresh_now
from tokens.tests.test_clients import read_orders
from tokens.views import COOKIE

from .linked import change_token, stored_access_token, stored_refresh_token

pytestmark = pytest.mark.django_db(transaction=True)


def rows_of_every_table() -> dict[str, str]:
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        written = {}
        for table in tables:
            cursor.execute(f'SELECT string_agg(t::text, chr(10)) FROM "{table}" t')
            written[table] = cursor.fetchone()[0] or ""
    return written | {"queued tasks": str([row.task for row in OrmQ.objects.all()])}


def sent_secrets(simulator) -> set[str]:
    """Tokens, codes and passwords, taken from what really reached eBay."""
    secrets = set()
    for request in simulator.requests(".", limit=1000):
        headers, form = request["headers"], parse_qs(request["body"])
        secrets |= {value for name in ("refresh_token", "code") for value in form.get(name, [])}
        for name in ("authorization", "x-ebay-api-iaf-token"):
            secrets |= {headers[name].split()[-1]} if name in headers else set()
    return secrets


def own_log(caplog) -> str:
    """What we logged, unmasked by any handler; the simulator's server lives in this process too."""
    return "\n".join(
        caplog.handler.format(record) for record in caplog.records if not record.name.startswith("uvicorn")
    )


def test_nothing_secret_is_written_anywhere(simulator, caplog, settings, monkeypatch):
    # The log's own mask is the second line of defence; the first must hold without it.
    monkeypatch.setattr(logs.MaskSecrets, "filter", lambda self, record: True)
    caplog.set_level(logging.DEBUG)
    organization, client = OrganizationFactory(), Client()
    _, link = create_connect_link(
        organization=organization, house_name="A", purpose="BOTH", environment="simulator",
        by=principal_of_user(member("admin", organization)),
    )  # fmt: skip
    parts = urlsplit(link)
    started = client.get(f"{parts.path}?{parts.query}")
    back = urlsplit(consent(started["Location"], "northwind_parts"))
    pages = [client.get(f"{back.path}?{back.query}").content.decode()]
    account = EbayAccount.objects.get()
    own = {stored_access_token(account), stored_refresh_token(account), parse_qs(parts.query)["ticket"][0]}
    own |= {started.cookies[COOKIE].value, settings.EBAY_APPLICATIONS["simulator"]["client_secret"]}
    own |= {parse_qs(back.query)["state"][0], settings.TOKEN_ENCRYPTION_KEYS[0]}
    own.add(create_api_key(organization=organization, name="k", role="viewer", by=SYSTEM)[1])
    for trigger in RefreshTrigger.SCHEDULED, RefreshTrigger.DEBUG:
        assert refresh_now(account.pk, trigger=trigger).success
        own.add(stored_access_token(account))
    read_orders(account)
    simulator.post("tokens/expire", seller=account.username)
    read_orders(account)
    for kind in ("unavailable", "cut", "malformed_json"):
        simulator.fault("token", kind)
        refresh_now(account.pk, trigger=RefreshTrigger.ADMIN)
    own.add(stored_access_token(account))
    change_token(account, refresh_token_sealed=stored_refresh_token(account))
    refresh_now(account.pk, trigger=RefreshTrigger.ADMIN)
    # That one row holds plain text because this test put it there.
    change_token(account, refresh_token_sealed="")

    secrets = own | sent_secrets(simulator)
    assert len(secrets) >= 11
    written = rows_of_every_table() | {"log": own_log(caplog), "page": "".join(pages)}
    found = {
        (place, secret[:12])
        for place, text in written.items()
        for secret in secrets
        for form in {secret, quote(secret, safe=""), quote(secret)}
        if form in text
    }
    assert found == set()
    assert "token refreshed account=" in written["log"]
    assert "***REDACTED***" in written["ebay_connect_logs"]
