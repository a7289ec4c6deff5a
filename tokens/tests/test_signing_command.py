"""`setup_signing_key`: what it says, what it changes, and its self-test."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent, User
from tests.factories import OrganizationFactory, member
from tokens.models import SigningKey
from tokens.services.signing import key_binding, open_key
from tokens.services.signing_setup import set_up_signing_key

from .linked import linked_account, nothing_sent

pytestmark = pytest.mark.django_db(transaction=True)
KEYS = "/developer/key_management/v1/signing_key"
FUNDS = "/sell/finances/v1/seller_funds_summary"


def command(*arguments: str) -> tuple[int, str]:
    """Exit code and everything that was printed."""
    out = StringIO()
    try:
        call_command("setup_signing_key", *arguments, stdout=out, stderr=out)
    except CommandError as failure:
        return 1, f"{out.getvalue()}{failure}"
    return 0, out.getvalue()


def test_it_creates_says_so_and_is_safe_to_repeat(simulator):
    code, text = command()
    key = SigningKey.objects.get()
    name = f"ED25519 key {key.signing_key_id}, ends on {key.expires_at:%Y-%m-%d}"
    assert (code, text) == (0, f"simulator: created {name} (there was none)\n")
    assert command("--environment", "simulator") == (0, f"simulator: kept {name}\n")
    act = AuditEvent.objects.get()
    assert (act.action, act.actor_label, act.organization_id) == ("signing_key_created", "command line", None)


def test_force_and_cipher_are_passed_on(simulator):
    command()
    assert "(asked for by force)" in command("--force")[1]
    assert "created RSA key" in command("--cipher", "RSA")[1]
    assert AuditEvent.objects.count() == 3


def test_an_environment_without_a_keyset_fails_in_words(simulator, settings):
    code, text = command("--environment", "sandbox")
    assert code == 1
    assert "EBAY_SANDBOX_CLIENT_ID" in text
    settings.EBAY_APPLICATIONS = {
        name: {"client_id": "", "client_secret": "", "runame": ""} for name in settings.EBAY_ENVIRONMENTS
    }
    assert "no environment has a keyset" in command()[1]


@pytest.mark.parametrize("kind", ["server_error", "reset", "rate_limited"])
def test_what_ebay_refuses_is_said(simulator, kind):
    simulator.fault(KEYS, kind)
    code, text = command()
    assert (code, "simulator: createSigningKey" in text, "not well: simulator" in text) == (1, True, True)


def test_the_self_test_changes_nothing(simulator):
    assert command("--check", "--force")[0] == 1
    code, text = command("--check")
    assert (code, "FAILED   key: there is none" in text) == (1, True)
    assert nothing_sent(simulator)
    assert SigningKey.objects.count() == 0


def steps(text: str) -> list[tuple[str, str]]:
    """(outcome, step) of each line."""
    found = []
    for line in text.splitlines():
        if line.startswith("simulator: "):
            outcome, _, rest = line.removeprefix("simulator: ").partition(" ")
            found.append((outcome, rest.strip().partition(":")[0]))
    return found


def test_without_an_account_the_signed_call_is_skipped(simulator):
    command()
    code, text = command("--check")
    assert (code, steps(text)) == (0, [("ok", "key"), ("ok", "eBay's copy"), ("skipped", "signed call")])


def test_a_signed_call_of_a_seller_who_must_sign_passes(simulator):
    command()
    linked_account(simulator)
    german = linked_account(simulator, seller=2, marketplace_id="EBAY_DE", site_id=77)
    code, text = command("--check")
    assert (code, steps(text)[-1]) == (0, ("ok", "signed call")), text
    assert german.house_name in text
    (call,) = simulator.requests(FUNDS)
    assert call["headers"]["x-ebay-enforce-signature"] == "true"
    assert call["headers"]["x-ebay-signature-key"]


def test_a_refused_signature_is_explained(simulator):
    command()
    linked_account(simulator)
    error = {
        "errorId": 215120,
        "domain": "ACCESS",
        "category": "REQUEST",
        "message": "Signature validation failed",
    }
    simulator.fault(FUNDS, "status", status=403, body={"errors": [error]})
    code, text = command("--check")
    assert (code, steps(text)[-1]) == (1, ("FAILED", "signed call"))
    assert "215120 Signature validation failed" in text
    assert "what to do: " in text


@pytest.mark.parametrize(
    ("values", "last", "words"),
    [
        ({"expires_at": timezone.now() - timedelta(days=1)}, "key", "it has ended"),
        ({"private_key_sealed": "enc:v1:00000000:AAAA"}, "key", "is not in TOKEN_ENCRYPTION_KEYS"),
        ({"public_key": "MCowBQYDK2VwAyEAJrQLj5P"}, "key", "public key cannot be read"),
    ],
)
def test_a_stored_key_that_is_no_good_is_named(simulator, values, last, words):
    command()
    SigningKey.objects.update(**values)
    code, text = command("--check")
    assert (code, steps(text)[-1]) == (1, ("FAILED", last))
    assert words in text


def test_a_key_that_ebay_does_not_know_is_named(simulator):
    command()
    simulator.reset()
    code, text = command("--check")
    assert (code, steps(text)[-1]) == (1, ("FAILED", "eBay's copy"))


def test_the_list_shows_keys_to_superusers_and_no_secret(simulator):
    old, key = set_up_signing_key("simulator").key, set_up_signing_key("simulator", force=True).key
    secrets = [key.jwe_sealed, key.private_key_sealed, open_key(key).jwe]
    pages = ["/admin/tokens/signingkey/", f"/admin/tokens/signingkey/{key.pk}/change/"]
    root, stranger = Client(), Client()
    root.force_login(User.objects.create_superuser("root"))
    stranger.force_login(member("admin", OrganizationFactory()))
    for page in pages:
        assert stranger.get(page).status_code in (403, 404)
        text = root.get(page).content.decode()
        assert key.signing_key_id in text
        assert [secret for secret in secrets if secret[10:40] in text] == []
    listed = root.get(pages[0]).content.decode()
    assert old.signing_key_id in listed
    assert listed.count("</span>In use</span>") == listed.count("</span>Retired</span>") == 1
    assert root.post(pages[1], {"cipher": "RSA"}).status_code == 403
    assert key_binding(key, "jwe") != key_binding(old, "jwe")
