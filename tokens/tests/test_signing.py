"""The signing key: created once, sealed, renewed, used, and told apart from what only looks like one."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.conf import settings as django_settings
from django.db import IntegrityError, connections
from django.utils import timezone
from django_q.models import OrmQ

from ebayconnector.ebay.endpoints import GET_TRANSACTIONS
from ebayconnector.ebay.errors import Refused, SignatureRefused, Unavailable
from ebayconnector.ebay.signatures import signature_headers
from tests.processes import child_env
from tests.waiting import eventually
from tokens import sealing, tasks, wire
from tokens.models import SigningKey, SigningKeyLease
from tokens.services import signing
from tokens.services.clients import client_for
from tokens.services.signing import EnvironmentSigner, current_key, key_in_use, open_key
from tokens.services.signing_setup import (
    CreationUnderWay,
    KeySetUp,
    SigningKeyFailed,
    renew_signing_keys,
    set_up_signing_key,
)

from .linked import linked_account, nothing_sent, token_posts
from .test_no_secrets import own_log, rows_of_every_table

pytestmark = pytest.mark.django_db(transaction=True)
KEYS = "/developer/key_management/v1/signing_key"


def set_up(**options) -> KeySetUp:
    return set_up_signing_key("simulator", **options)


def posts(simulator) -> int:
    return sum(entry["method"] == "POST" for entry in simulator.requests(KEYS))


def change(key: SigningKey, **values) -> None:
    assert SigningKey.objects.filter(pk=key.pk).update(**values) == 1


def soon(**duration):
    return timezone.now() + timedelta(**duration)


def works() -> bool:
    """Whether this process can sign at present."""
    key = key_in_use("simulator")
    return key is not None and bool(
        signature_headers(key, method="GET", url="http://h/", body=None, created=1)
    )


def test_the_first_one_is_created_and_used(simulator):
    assert not works()
    done = set_up()
    assert (done.done, done.reason, done.key.cipher) == ("created", "there was none", "ED25519")
    assert timedelta(days=1094) < done.key.expires_at - timezone.now() < timedelta(days=1096)
    assert works()
    assert open_key(done.key).jwe.startswith("eyJ")


def test_a_good_one_is_kept(simulator):
    key = set_up().key
    assert set_up() == KeySetUp("kept", key)
    assert posts(simulator) == 1
    assert SigningKey.objects.count() == 1


@pytest.mark.parametrize("days", [29, 1, -1])
def test_one_that_ends_within_thirty_days_is_replaced(simulator, days):
    old = set_up().key
    change(old, expires_at=soon(days=days))
    new = set_up()
    assert new.done == "created"
    assert "ends on" in new.reason
    assert current_key("simulator") == new.key != old
    old.refresh_from_db()
    assert old.retired_at
    assert old.retired_because == new.reason


def test_one_that_lives_longer_is_kept(simulator):
    change(set_up().key, expires_at=soon(days=31))
    assert set_up().done == "kept"


def test_force_and_another_cipher_replace_it(simulator):
    set_up()
    assert set_up(force=True).reason == "asked for by force"
    rsa = set_up(cipher="RSA")
    assert (rsa.done, rsa.key.cipher) == ("created", "RSA")
    assert works()
    assert set_up(cipher="RSA").done == set_up().done == "kept"
    assert posts(simulator) == 3
    assert set_up(force=True).key.cipher == "RSA"


def test_one_that_ebay_does_not_know_is_replaced(simulator):
    old = set_up().key
    simulator.reset()
    done = set_up()
    assert (done.done, done.reason) == ("created", f"eBay does not know {old.signing_key_id}")


def test_one_that_is_damaged_is_replaced(simulator):
    old = set_up().key
    change(old, private_key_sealed=old.jwe_sealed)
    assert not works()
    assert "belongs to another account or field" in set_up().reason
    assert works()


def test_halves_of_two_keys_do_not_sign(simulator):
    first, second = set_up().key, set_up(force=True).key
    change(second, public_key=first.public_key)
    assert not works()
    assert "does not belong" in set_up().reason


def test_a_missing_key_of_the_ring_is_a_fault_of_this_process(simulator, settings, caplog):
    key, ring = set_up().key, settings.TOKEN_ENCRYPTION_KEYS
    settings.TOKEN_ENCRYPTION_KEYS = ["MTIzNDU2Nzg5MGFiY2RlZmdoaWprbG1ub3BxcnN0dXY="]
    signing._opened.clear()
    assert not works()
    assert "calls go out unsigned" in caplog.text
    with pytest.raises(SigningKeyFailed, match="put the key back"):
        set_up()
    assert posts(simulator) == 1
    settings.TOKEN_ENCRYPTION_KEYS = ring
    signing._opened.clear()
    assert works()
    assert current_key("simulator") == key


def test_an_ended_one_is_not_used(simulator):
    change(set_up().key, expires_at=soon(seconds=-1))
    assert not works()


def test_one_of_another_application_is_not_used(simulator, settings):
    set_up()
    settings.EBAY_APPLICATIONS = settings.EBAY_APPLICATIONS | {
        "simulator": settings.EBAY_APPLICATIONS["simulator"] | {"client_id": "another"}
    }
    assert not works()


def test_a_new_key_is_used_at_once_and_an_opened_one_for_a_minute(simulator, monkeypatch):
    signer, opened = EnvironmentSigner("simulator"), []
    monkeypatch.setattr(signing, "open_key", lambda row: opened.append(row.pk) or open_key(row))
    first = set_up().key
    assert signer.key() is signer.key()
    second = set_up(force=True).key
    assert signer.key().jwe == open_key(second).jwe
    assert opened == [first.pk, second.pk]
    now = signing.time.monotonic()
    monkeypatch.setattr(signing, "time", SimpleNamespace(monotonic=lambda: now + 61))
    signer.key()
    assert opened == [first.pk, second.pk, second.pk]
    assert len(signing._opened) == 1


def test_a_moved_ciphertext_does_not_open(simulator):
    key = set_up().key
    change(key, client_id="another")
    key.refresh_from_db()
    with pytest.raises(sealing.CannotOpen):
        open_key(key)


def test_the_database_allows_one_current_key(simulator):
    key = set_up().key
    key.pk, key.signing_key_id = None, "other"
    with pytest.raises(IntegrityError, match="one_current_signing_key"):
        key.save()


def test_a_german_seller_is_refused_without_a_key_and_served_with_one_at_once(simulator):
    german = linked_account(simulator, seller=2, marketplace_id="EBAY_DE", site_id=77)
    client = client_for(german, source="test")
    with pytest.raises(SignatureRefused, match="215001 .*run manage.py setup_signing_key"):
        client.call(GET_TRANSACTIONS)
    for cipher in ("ED25519", "RSA"):
        set_up(cipher=cipher)
        filters = [("filter", "transactionType:{SALE}"), ("limit", "2")]
        assert client.call(GET_TRANSACTIONS, params=filters).status == 200


# -- Failures and races ----------------------------------------------------------------------------------


def test_a_failed_creation_leaves_the_old_key_and_frees_the_lease(simulator):
    old = set_up().key
    for kind, expected in (("server_error", Unavailable), ("reset", Unavailable)):
        simulator.fault(KEYS, kind, method="POST")
        with pytest.raises(expected) as failure:
            set_up(force=True)
        assert not failure.value.retryable
    assert current_key("simulator") == old
    assert SigningKeyLease.objects.count() == 0
    assert set_up(force=True).done == "created"


def test_a_refused_application_token_is_renewed_and_the_creation_made(simulator):
    simulator.fault(KEYS, "expired_token", method="POST")
    assert set_up().done == "created"
    assert [entry["status"] for entry in simulator.requests(KEYS)] == [401, 200]
    assert len(token_posts(simulator)) == 2


def test_refused_twice_nothing_is_stored(simulator):
    simulator.fault(KEYS, "status", status=400, body={"errors": [{"errorId": 210005}]})
    with pytest.raises(Refused):
        set_up()
    assert SigningKey.objects.count() == 0


def test_several_at_once_create_one_key(simulator):
    simulator.fault(KEYS, "slow", delay_s=0.6, method="POST")
    outcomes = []

    def ask() -> None:
        try:
            outcomes.append(set_up())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcome.done for outcome in outcomes) == ["created"] + ["made elsewhere"] * 3
    assert {outcome.key for outcome in outcomes} == {SigningKey.objects.get()}
    assert posts(simulator) == 1


def test_who_does_not_wait_is_told(simulator):
    hold_lease()
    with pytest.raises(CreationUnderWay, match="another process"):
        set_up(wait_s=0)
    assert nothing_sent(simulator)


def hold_lease(**until) -> None:
    SigningKeyLease.objects.create(
        environment="simulator",
        client_id=django_settings.EBAY_APPLICATIONS["simulator"]["client_id"],
        lease_id="11111111-1111-1111-1111-111111111111",
        lease_until=soon(**(until or {"minutes": 2})),
    )


def test_a_dead_owners_lease_ends(simulator):
    hold_lease(seconds=-1)
    assert set_up(wait_s=0).done == "created"


def test_who_lost_the_lease_stores_nothing(simulator):
    simulator.fault(KEYS, "slow", delay_s=1.2, method="POST")
    outcomes = []

    def frozen() -> None:
        try:
            set_up()
        except SigningKeyFailed as failure:
            outcomes.append(failure)
        finally:
            connections.close_all()

    thread = threading.Thread(target=frozen)
    thread.start()
    eventually(lambda: posts(simulator), what="the first creation is under way")
    SigningKeyLease.objects.update(lease_until=soon(seconds=-1))
    key = set_up().key
    thread.join(30)
    assert "another process took over" in str(outcomes[0])
    assert SigningKey.objects.get() == key


@pytest.mark.slow
def test_a_process_killed_between_ebays_answer_and_the_save_costs_one_key(simulator):
    simulator.fault(KEYS, "slow", delay_s=30, method="POST")
    code = (
        "import django; django.setup()\n"
        "from tokens.services.signing_setup import set_up_signing_key\n"
        "set_up_signing_key('simulator')"
    )
    child = subprocess.Popen([sys.executable, "-c", code], env=child_env(), cwd=django_settings.BASE_DIR)
    try:
        eventually(lambda: posts(simulator), what="the child has asked eBay")
    finally:
        child.kill()
        child.wait()
    assert SigningKey.objects.count() == 0
    with pytest.raises(CreationUnderWay):
        set_up(wait_s=0)
    SigningKeyLease.objects.update(lease_until=soon(seconds=-1))
    assert set_up().done == "created"
    assert posts(simulator) == 2


# -- Renewal ---------------------------------------------------------------------------------------------


def test_the_daily_job_renews_what_ends_and_nothing_else(simulator):
    assert renew_signing_keys() == {}
    old = set_up(cipher="RSA").key
    assert renew_signing_keys() == {}
    change(old, expires_at=soon(days=29))
    assert renew_signing_keys() == {"simulator": "created"}
    assert current_key("simulator").cipher == "RSA"


def test_a_renewal_that_fails_is_an_error_of_the_job(simulator, settings):
    change(set_up().key, expires_at=soon(days=29))
    simulator.fault(KEYS, "server_error", method="POST")
    with pytest.raises(SigningKeyFailed, match="simulator: createSigningKey"):
        renew_signing_keys()
    hold_lease()
    assert renew_signing_keys() == {"simulator": "under way elsewhere"}


def test_the_schedule_leaves_it_to_the_tokens_cluster(simulator):
    tasks.start_key_renewal()
    queued = OrmQ.objects.get()
    assert (queued.key, queued.task["func"]) == ("tokens", "tokens.tasks.renew_signing_keys")
    assert nothing_sent(simulator)


# -- Secrets ---------------------------------------------------------------------------------------------


def test_neither_key_nor_jwe_is_written_in_clear(simulator, caplog):
    caplog.set_level(logging.DEBUG)
    secrets = []
    for options in ({}, {"cipher": "RSA"}):
        row = set_up(**options).key
        key, ring = open_key(row), sealing.key_ring()
        secrets += [key.jwe, ring.open(row.private_key_sealed, signing.key_binding(row, "private_key"))]
        assert row.public_key not in f"{key!r}"
        logging.getLogger("test").info("%r %s %r", row, row, key)
    written = rows_of_every_table() | {"log": own_log(caplog)}
    found = {place for place, text in written.items() for secret in secrets if secret[24:64] in text}
    assert found == set()
    assert "created: there was none" in written["log"]


def test_without_a_keyset_it_says_so(settings):
    with pytest.raises(wire.ApplicationNotConfigured, match="EBAY_SANDBOX_CLIENT_ID"):
        set_up_signing_key("sandbox")
