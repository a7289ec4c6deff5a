"""Rotating the keys online: everything ends under the newest one, and nothing is lost on the way."""

from __future__ import annotations

import base64
import socket
import subprocess
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.access import SYSTEM
from accounts.models import AuditEvent
from tests.factories import ACCESS_TOKEN, REFRESH_TOKEN, AccountFactory
from tests.test_health import heartbeat
from tokens import sealing
from tokens.key_use import key_uses, sealed_fields
from tokens.models import ApplicationToken, EbayToken, ProcessHeartbeat, SigningKey
from tokens.processes import register_process
from tokens.services import key_rotation
from tokens.services.application_tokens import application_token_binding
from tokens.services.key_rotation import PLACES, RotationRefused, rotate_token_keys
from tokens.services.refresh import get_access_token
from tokens.services.signing import key_binding

from .linked import change_token, expired_account, stored, stored_access_token, stored_refresh_token

pytestmark = pytest.mark.django_db
OLD, NEW = (base64.b64encode(bytes(range(first, first + 32))).decode() for first in (0, 100))
OLD_ID, NEW_ID = (sealing.key_id(base64.b64decode(key)) for key in (OLD, NEW))


@pytest.fixture
def sealed(settings):
    """One secret of every kind under the old key; the new key is already in the ring."""
    settings.TOKEN_ENCRYPTION_KEYS = [OLD]
    account, ring = AccountFactory(), sealing.key_ring()
    scopes = "https://api.ebay.com/oauth/api_scope"
    ApplicationToken.objects.create(
        environment="simulator", client_id="app", scopes_key=scopes,
        token_sealed=ring.seal("application", application_token_binding("simulator", "app", scopes)),
    )  # fmt: skip
    now = timezone.now()
    key = SigningKey(
        environment="simulator", client_id="app", signing_key_id="k", cipher="ED25519", public_key="p",
        created_at=now, expires_at=now + timedelta(days=900),
    )  # fmt: skip
    key.jwe_sealed = ring.seal("jwe", key_binding(key, "jwe"))
    key.private_key_sealed = ring.seal("private", key_binding(key, "private_key"))
    key.save()
    settings.TOKEN_ENCRYPTION_KEYS = [NEW, OLD]
    return account


def rotate(**options):
    return rotate_token_keys(by=SYSTEM, **options)


def command() -> str:
    out = StringIO()
    call_command("rotate_token_keys", stdout=out, stderr=out)
    return out.getvalue()


def test_every_sealed_column_of_every_app_is_rotated():
    assert {model for model, _ in sealed_fields()} == set(PLACES)


def test_everything_is_sealed_anew_and_still_opens_without_the_old_key(sealed, settings):
    assert [(use.key_id, use.standing, use.values) for use in key_uses()] == [
        (NEW_ID, "newest", 0),
        (OLD_ID, "older", 5),
    ]
    rotation = rotate()
    assert (rotation.total, rotation.resealed, rotation.left, rotation.unopened) == (5, 5, {}, {})
    settings.TOKEN_ENCRYPTION_KEYS = [NEW]
    assert [(use.key_id, use.values) for use in key_uses()] == [(NEW_ID, 5)]
    assert (stored_access_token(sealed), stored_refresh_token(sealed)) == (ACCESS_TOKEN, REFRESH_TOKEN)
    ring, key, token = sealing.key_ring(), SigningKey.objects.get(), ApplicationToken.objects.get()
    assert ring.open(key.jwe_sealed, key_binding(key, "jwe")) == "jwe"
    assert ring.open(key.private_key_sealed, key_binding(key, "private_key")) == "private"
    place = application_token_binding("simulator", "app", token.scopes_key)
    assert ring.open(token.token_sealed, place) == "application"


def test_a_second_time_changes_nothing(sealed):
    rotate()
    before = EbayToken.objects.values().get()
    assert rotate().resealed == 0
    assert EbayToken.objects.values().get() == before


def test_the_audit_trail_says_who_and_how_much(sealed):
    rotate()
    started, ended = AuditEvent.objects.order_by("id")
    assert (started.action, ended.action, ended.result) == (
        "token_key_rotation_started", "token_key_rotation", "ok",
    )  # fmt: skip
    assert (ended.actor_label, ended.organization) == ("system", None)
    assert ended.detail["resealed"] == 5
    assert ended.detail["key"] == NEW_ID


def test_the_command_shows_progress_and_which_key_may_go(sealed, monkeypatch):
    monkeypatch.setattr(key_rotation.rotate_token_keys, "__kwdefaults__", {
        **key_rotation.rotate_token_keys.__kwdefaults__, "batch": 1,
    })  # fmt: skip
    said = command()
    assert f"key {OLD_ID} older" in said
    progress = ["2 of 5 values done", "3 of 5 values done", "5 of 5 values done"]
    assert [line for line in said.splitlines() if "values done" in line] == progress
    assert f"nothing is left under key {OLD_ID}: take it out" in said


def test_what_does_not_open_is_named_kept_and_fails_the_command(sealed):
    other = AccountFactory()
    change_token(other, refresh_token_sealed=stored(sealed).refresh_token_sealed)
    with pytest.raises(CommandError, match=f"left: 1 under {OLD_ID}"):
        command()
    assert stored(other).refresh_token_sealed.startswith(f"enc:v1:{OLD_ID}:")
    assert stored_refresh_token(sealed) == REFRESH_TOKEN
    assert AuditEvent.objects.latest("id").result == "incomplete"


def test_a_value_under_a_lost_key_waits_for_it(sealed, settings):
    settings.TOKEN_ENCRYPTION_KEYS = [NEW]
    rotation = rotate()
    assert rotation.left == {OLD_ID: 4}
    assert all("not in TOKEN_ENCRYPTION_KEYS" in text for text in rotation.unopened.values())
    assert ApplicationToken.objects.get().token_sealed == "", "that one is fetched anew"
    settings.TOKEN_ENCRYPTION_KEYS = [NEW, OLD]
    assert rotate().left == {}


# -- Others ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("silent_s", [0, 45])
def test_it_refuses_while_another_process_seals_with_another_ring(sealed, silent_s):
    at = timezone.now() - timedelta(seconds=silent_s)
    heartbeat("tokens", 99, key_ring="with the old key", beat_at=at)
    with pytest.raises(CommandError, match="not rotated: .*cluster tokens on h"):
        command()
    assert key_uses()[1].values == 5
    ProcessHeartbeat.objects.update(key_ring=sealing.key_ring().fingerprint)
    assert rotate().left == {}


def test_one_that_is_gone_does_not_hold_it_up(sealed):
    long_ago = timezone.now() - timedelta(minutes=11)
    heartbeat("tokens", 99, key_ring="old", beat_at=long_ago)
    # Of this machine, killed a minute ago.
    gone = subprocess.Popen(["true"])
    gone.wait()
    killed = heartbeat("sync", gone.pid, key_ring="old", beat_at=timezone.now() - timedelta(minutes=1))
    ProcessHeartbeat.objects.filter(pk=killed.pk).update(host=socket.gethostname())
    assert rotate().left == {}


def test_a_silent_one_of_this_machine_that_still_runs_holds_it_up(sealed):
    frozen = register_process("cluster", "sync")
    at = timezone.now() - timedelta(minutes=1)
    ProcessHeartbeat.objects.filter(pk=frozen.pk).update(key_ring="old", beat_at=at)
    with pytest.raises(RotationRefused):
        rotate()


def test_one_that_appears_in_the_middle_stops_it_and_what_is_done_stays(sealed):
    with pytest.raises(RotationRefused):
        rotate(batch=1, on_progress=lambda _: heartbeat("web", 98, key_ring="old"))
    assert [use.values for use in key_uses()] == [2, 3]
    event = AuditEvent.objects.latest("id")
    assert event.result.startswith("refused: running with another key ring")
    assert event.detail["resealed"] == 2


# -- Races -----------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_refresh_that_saves_meanwhile_wins(simulator, settings, monkeypatch):
    settings.TOKEN_ENCRYPTION_KEYS = [OLD]
    account = expired_account(simulator)
    refresh_token = stored_refresh_token(account)
    settings.TOKEN_ENCRYPTION_KEYS = [NEW, OLD]
    reseal, fresh = key_rotation._fresh, []

    def refreshing_between_read_and_write(*arguments):
        sealed_anew = reseal(*arguments)
        if not fresh:
            fresh.append(get_access_token(account.pk))
        return sealed_anew

    monkeypatch.setattr(key_rotation, "_fresh", refreshing_between_read_and_write)
    assert rotate().left == {}
    settings.TOKEN_ENCRYPTION_KEYS = [NEW]
    assert stored_access_token(account) == fresh[0]
    assert stored_refresh_token(account) == refresh_token


@pytest.mark.django_db(transaction=True)
def test_a_rotation_between_a_refreshs_call_and_its_save_loses_nothing(simulator, settings, monkeypatch):
    from tokens.services import refresh

    settings.TOKEN_ENCRYPTION_KEYS = [OLD]
    account = expired_account(simulator)
    refresh_token = stored_refresh_token(account)
    settings.TOKEN_ENCRYPTION_KEYS = [NEW, OLD]
    ask = refresh._ask_ebay

    def rotating_after_the_answer(*arguments):
        grant = ask(*arguments)
        rotate()
        return grant

    monkeypatch.setattr(refresh, "_ask_ebay", rotating_after_the_answer)
    token = get_access_token(account.pk)
    settings.TOKEN_ENCRYPTION_KEYS = [NEW]
    assert (stored_access_token(account), stored_refresh_token(account)) == (token, refresh_token)


def test_a_row_that_goes_meanwhile_is_no_fault(sealed, monkeypatch):
    reseal = key_rotation._fresh

    def deleting(*arguments):
        EbayToken.objects.all().delete()
        return reseal(*arguments)

    monkeypatch.setattr(key_rotation, "_fresh", deleting)
    assert rotate().left == {}
