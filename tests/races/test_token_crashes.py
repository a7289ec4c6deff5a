"""Processes killed in the middle of a refresh or of a key rotation: a usable state each time."""

from __future__ import annotations

import base64
import subprocess
import sys

import psycopg
import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.utils import timezone

from accounts.access import SYSTEM
from accounts.models import EbayAccount
from tests.factories import REFRESH_TOKEN, AccountFactory
from tests.processes import child_env
from tests.waiting import eventually
from tokens.key_use import key_uses
from tokens.models import ConnectLog, TokenRefreshLog
from tokens.services.key_rotation import rotate_token_keys
from tokens.services.refresh import RefreshUnderWay, failures_in_row, get_access_token
from tokens.status import account_status
from tokens.tests.linked import expired_account, stored_access_token, stored_refresh_token, token_posts
from tokens.tests.test_refresh_leases import age_lease

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

# Says when it has come to the place, and stays there.
_REFRESH = """
import sys, threading
import django
django.setup()
from tokens.services import refresh
def stay(*args, **kwargs):
    print("here", flush=True)
    threading.Event().wait(60)
refresh.{place} = stay
refresh.get_access_token({account_id})
"""


@pytest.mark.parametrize(
    ("place", "sent"),
    [("oauth.refresh", 0), ("locks.save_refreshed", 1)],
    ids=["before the call", "after eBay answered, before the save"],
)
def test_a_refresh_killed_anywhere_leaves_a_usable_account(simulator, place, sent):
    account = expired_account(simulator)
    refresh_token = stored_refresh_token(account)
    script = _REFRESH.format(place=place, account_id=account.pk)
    with subprocess.Popen(
        [sys.executable, "-c", script], env=child_env(LOG_LEVEL="ERROR"), cwd=django_settings.BASE_DIR,
        stdout=subprocess.PIPE, text=True,
    ) as child:  # fmt: skip
        try:
            assert child.stdout.readline() == "here\n"
        finally:
            child.kill()
    assert [row.action for row in ConnectLog.objects.all()] == ["token_refreshed"] * sent
    with pytest.raises(RefreshUnderWay):
        get_access_token(account.pk, wait_s=0)
    age_lease(account)
    assert get_access_token(account.pk) == stored_access_token(account)
    assert stored_refresh_token(account) == refresh_token
    assert len(token_posts(simulator)) == sent + 1
    died, done = TokenRefreshLog.objects.order_by("id")
    assert (died.success, died.finished_at, done.success) == (None, None, True)
    assert failures_in_row(account.pk) == 0
    fresh = EbayAccount.objects.get(pk=account.pk)
    assert account_status(fresh, now=timezone.now()).code == "healthy"


def test_a_killed_rotation_is_gone_on_with(settings):
    old, new = (base64.b64encode(bytes(range(first, first + 32))).decode() for first in (0, 100))
    settings.TOKEN_ENCRYPTION_KEYS = [old]
    accounts = [AccountFactory() for _ in range(4)]
    settings.TOKEN_ENCRYPTION_KEYS = [new, old]
    command = [sys.executable, str(django_settings.BASE_DIR / "manage.py"), "rotate_token_keys"]
    env = child_env(TOKEN_ENCRYPTION_KEYS=f"{new},{old}")
    with psycopg.connect(env["DATABASE_URL"]) as blocker:
        blocker.execute("SELECT 1 FROM ebay_tokens WHERE account_id = %s FOR UPDATE", [accounts[2].pk])
        with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL) as child:
            try:
                eventually(somebody_waits_for_a_row, what="the rotation comes to the third account")
            finally:
                child.kill()
        blocker.rollback()
    newest, older = key_uses()
    # The statement that waited may still be carried out by the server.
    assert (newest.values, older.values) in ((4, 4), (5, 3))
    assert [stored_refresh_token(account) for account in accounts] == [REFRESH_TOKEN] * 4
    assert rotate_token_keys(by=SYSTEM).left == {}
    settings.TOKEN_ENCRYPTION_KEYS = [new]
    assert [stored_refresh_token(account) for account in accounts] == [REFRESH_TOKEN] * 4


def somebody_waits_for_a_row() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() "
            "AND wait_event_type = 'Lock' AND query LIKE 'UPDATE \"ebay_tokens\"%%')"
        )
        return cursor.fetchone()[0]
