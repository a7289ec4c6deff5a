"""Tokens of the application: one for all, renewed in time, never cached as a failure, never in clear."""

from __future__ import annotations

import logging
import threading
from datetime import datetime, timedelta

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from accounts.models import User
from ebayconnector.ebay.analytics import rate_limits
from ebayconnector.ebay.endpoints import GET_RATE_LIMITS, SCOPE_BASE
from ebayconnector.ebay.errors import TokenRejected
from tests.factories import OrganizationFactory, member
from tests.waiting import eventually
from tokens import sealing, wire
from tokens.models import ApplicationToken, ConnectLog
from tokens.services.application_tokens import ApplicationTokenUnavailable, get_application_token
from tokens.services.clients import application_client_for

from .linked import nothing_sent, token_posts
from .test_no_secrets import own_log, rows_of_every_table

pytestmark = pytest.mark.django_db(transaction=True)
LIMITS = GET_RATE_LIMITS.path


def token(**options) -> str:
    return get_application_token("simulator", **options)


def change(**values) -> None:
    assert ApplicationToken.objects.update(**values) == 1


def row() -> ApplicationToken:
    return ApplicationToken.objects.get()


def ago(**duration):
    return timezone.now() - timedelta(**duration)


def test_a_token_is_minted_once_and_shared(simulator):
    assert token() == token() == token(scopes=[SCOPE_BASE, SCOPE_BASE])
    (post,) = token_posts(simulator)
    assert (
        post["body"]
        == f"grant_type=client_credentials&scope={SCOPE_BASE.replace(':', '%3A').replace('/', '%2F')}"
    )


def test_it_is_renewed_two_minutes_before_its_end(simulator):
    before = timezone.now()
    token()
    life = row().expires_at - before
    assert timedelta(seconds=7195) < life < timedelta(seconds=7215)
    assert row().expires_at - row().renew_at == timedelta(seconds=120)


def test_a_short_life_is_renewed_at_its_half(simulator):
    simulator.fault(
        "token", "replace_body", body={"access_token": "v^1.1#short", "expires_in": 60, "token_type": "A"}
    )
    token()
    assert row().expires_at - row().renew_at == timedelta(seconds=30)


def test_a_token_that_is_due_is_renewed(simulator):
    old = token()
    change(renew_at=ago(seconds=1))
    assert token() != old
    assert len(token_posts(simulator)) == 2


def test_a_renewal_that_fails_keeps_the_living_token(simulator):
    old = token()
    change(renew_at=ago(seconds=1))
    simulator.fault("token", "unavailable")
    assert token() == old
    assert token() != old


def test_while_somebody_renews_the_living_token_is_used(simulator):
    old = token()
    hold_lease(renew_at=ago(seconds=1))
    assert token(wait_s=0) == old
    assert len(token_posts(simulator)) == 1


def hold_lease(**values) -> None:
    change(
        lease_id="11111111-1111-1111-1111-111111111111",
        lease_until=timezone.now() + timedelta(seconds=30),
        **values,
    )


def test_an_expired_token_is_never_used(simulator):
    old = token()
    change(expires_at=ago(seconds=1))
    assert token() != old


def test_a_401_drops_the_token_mints_once_and_repeats_once(simulator):
    client = application_client_for("simulator", source="test")
    simulator.fault(LIMITS, "expired_token")
    rate_limits(client)
    sent = [request["headers"]["authorization"] for request in simulator.requests(LIMITS)]
    assert len(set(sent)) == 2
    assert sent[1] == f"Bearer {token()}"
    assert len(token_posts(simulator)) == 2


def test_a_second_401_is_the_answer(simulator):
    simulator.fault(LIMITS, "expired_token", count=None)
    with pytest.raises(TokenRejected):
        rate_limits(application_client_for("simulator", source="test"))
    assert len(simulator.requests(LIMITS)) == 2
    assert len(token_posts(simulator)) == 2


def test_an_api_that_refuses_every_token_does_not_mint_for_ever(simulator):
    simulator.fault(LIMITS, "expired_token", count=None)
    client = application_client_for("simulator", source="test")
    with pytest.raises(TokenRejected):
        rate_limits(client)
    for _ in range(3):
        with pytest.raises(ApplicationTokenUnavailable, match="analytics refuses every application token"):
            rate_limits(client)
    assert len(token_posts(simulator)) == 2
    # It holds up nobody else, and is believed again later, and later again.
    assert get_application_token("simulator", rejected=token(), rejected_by="browse")
    for waited, posts in ((61, 4), (61, 4), (121, 5)):
        let_refusals_age(waited)
        with pytest.raises((TokenRejected, ApplicationTokenUnavailable)):
            rate_limits(client)
        assert len(token_posts(simulator)) == posts, waited
    simulator.delete("faults")
    assert rate_limits(client)


def let_refusals_age(seconds: int) -> None:
    stored = row().refusals
    for refusal in stored.values():
        at = datetime.fromisoformat(refusal["at"]) - timedelta(seconds=seconds)
        refusal["at"] = at.isoformat()
    change(refusals=stored)


def test_a_rejected_token_is_out_of_use_for_all_even_if_no_other_can_be_had(simulator):
    old = token()
    simulator.fault("token", "unavailable")
    with pytest.raises(ApplicationTokenUnavailable):
        token(rejected=old)
    assert token() != old


def test_who_comes_late_with_a_rejected_token_gets_the_new_one(simulator):
    old = token()
    new = token(rejected=old)
    assert token(rejected=old) == new != old
    assert len(token_posts(simulator)) == 2


def test_scopes_have_their_own_tokens_whatever_their_order(simulator):
    feed = f"{SCOPE_BASE}/buy.item.feed"
    simulator.fault("token", "replace_body", body={"access_token": "v^1.1#a", "expires_in": 7200}, count=None)
    token()
    assert token(scopes=[feed, SCOPE_BASE]) == token(scopes=(SCOPE_BASE, feed))
    assert len(token_posts(simulator)) == 2
    assert set(ApplicationToken.objects.values_list("scopes_key", flat=True)) == {
        SCOPE_BASE,
        f"{SCOPE_BASE} {feed}",
    }


@pytest.mark.parametrize(
    ("fault", "code", "heals"),
    [
        ({"kind": "unavailable"}, "server_error", True),
        ({"kind": "reset"}, "network_error", True),
        ({"kind": "rate_limited", "retry_after": 40}, "rate_limited", True),
        ({"kind": "malformed_json"}, "server_error", True),
        ({"kind": "status", "status": 401, "body": {"error": "invalid_client"}}, "exception", False),
        ({"kind": "status", "status": 400, "body": {"error": "invalid_scope"}}, "exception", False),
    ],
    ids=lambda value: value.get("kind", "") if isinstance(value, dict) else "",
)
def test_a_failure_is_said_and_not_cached(simulator, fault, code, heals):
    simulator.fault("token", **fault)
    with pytest.raises(ApplicationTokenUnavailable) as failure:
        token()
    assert (failure.value.code, failure.value.retry_after is not None) == (code, heals)
    assert not failure.value.needs_reconnect
    assert token()
    assert (row().last_error, row().lease_id) == ("", None)


def test_a_retry_after_is_passed_on(simulator):
    simulator.fault("token", "rate_limited", retry_after=40)
    with pytest.raises(ApplicationTokenUnavailable) as failure:
        token()
    assert failure.value.retry_after == timedelta(seconds=40)


def test_a_stored_token_that_does_not_open_is_minted_anew(simulator):
    old = token()
    moved = sealing.key_ring().seal(old, sealing.Binding("application token", "simulator", "x", 0))
    for sealed in (moved, "enc:v1:00000000:AAAA", old, "damaged"):
        change(token_sealed=sealed)
        assert token() != old
    assert len(token_posts(simulator)) == 5


def test_without_a_key_ring_nothing_is_sent(simulator, settings):
    settings.TOKEN_ENCRYPTION_KEYS = []
    with pytest.raises(ApplicationTokenUnavailable, match="TOKEN_ENCRYPTION_KEYS"):
        token()
    assert nothing_sent(simulator)


def test_an_environment_without_a_keyset_says_so(simulator, settings):
    with pytest.raises(wire.ApplicationNotConfigured, match="EBAY_SANDBOX_CLIENT_ID"):
        get_application_token("sandbox")
    assert ApplicationToken.objects.count() == 0


def test_another_client_id_has_its_own_token(simulator, settings):
    token()
    settings.EBAY_APPLICATIONS = settings.EBAY_APPLICATIONS | {
        "simulator": settings.EBAY_APPLICATIONS["simulator"] | {"client_id": "another"}
    }
    with pytest.raises(ApplicationTokenUnavailable, match="invalid_client"):
        token()


# -- Several at once -------------------------------------------------------------------------------------


def in_threads(count: int, **options) -> list[object]:
    """What each got or why it got nothing."""
    outcomes: list[object] = []

    def ask() -> None:
        try:
            outcomes.append(token(**options))
        except ApplicationTokenUnavailable as failure:
            outcomes.append(failure)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ask) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(outcomes) == count
    return outcomes


def test_who_waits_gets_the_winners_token(simulator):
    simulator.fault("token", "slow", delay_s=0.6)
    assert set(in_threads(6)) == {token()}
    assert len(token_posts(simulator)) == 1


def test_who_waits_gets_the_winners_failure(simulator, settings):
    settings.EBAY_APPLICATIONS = settings.EBAY_APPLICATIONS | {
        "simulator": settings.EBAY_APPLICATIONS["simulator"] | {"client_secret": "wrong"}
    }
    simulator.fault("token", "slow", delay_s=0.6, before=True)
    outcomes = in_threads(4)
    assert len({str(outcome) for outcome in outcomes}) == 1
    assert "invalid_client" in str(outcomes[0])
    assert len(token_posts(simulator)) == 1


def test_a_killed_owner_holds_the_others_up_only_for_its_lease(simulator):
    token()
    hold_lease(token_sealed="")
    with pytest.raises(ApplicationTokenUnavailable) as failure:
        token(wait_s=0)
    assert failure.value.code == "refresh_under_way"
    change(lease_until=ago(seconds=1))
    assert token()


def test_who_wakes_up_after_its_lease_stores_nothing(simulator):
    simulator.fault("token", "slow", delay_s=1.2)
    outcomes: list[object] = []
    frozen = threading.Thread(target=lambda: outcomes.extend(in_threads(1)))
    frozen.start()
    eventually(lambda: token_posts(simulator), what="the first mint is under way")
    change(lease_until=ago(seconds=1))
    new, version = token(), row().version
    frozen.join(30)
    assert token() == new
    assert row().version == version
    assert outcomes != [new]


# -- Seen ------------------------------------------------------------------------------------------------


def test_the_exchange_shows_to_superusers_only(simulator):
    token()
    log = ConnectLog.objects.get()
    assert (log.action, log.source, log.environment) == ("app_token_minted", "application", "simulator")
    assert (log.organization_id, log.account_id, log.response["status"]) == (None, None, 200)
    organization = OrganizationFactory()
    for user, shown in (
        (member("admin", organization), False),
        (User.objects.create_superuser("root"), True),
    ):
        client = Client()
        client.force_login(user)
        for page in ("/admin/tokens/terminal/", "/api/admin/ebay/tokens/terminal-logs"):
            answer = client.get(page)
            assert answer.status_code == 200
            text = answer.content.decode().replace("_", " ").lower()
            assert ("app token minted" in text) is shown, page


def test_a_failed_mint_shows_too_and_is_not_called_a_success(simulator):
    for fault in ({"kind": "reset"}, {"kind": "status", "status": 401}, {"kind": "malformed_json"}):
        simulator.fault("token", **fault)
        with pytest.raises(ApplicationTokenUnavailable):
            token()
    logs = ConnectLog.objects.order_by("id")
    assert [(log.action, log.response["status"]) for log in logs] == [
        ("app_token_failed", None), ("app_token_failed", 401), ("app_token_failed", 200),
    ]  # fmt: skip


def test_no_token_and_no_secret_is_written_anywhere(simulator, caplog, settings):
    caplog.set_level(logging.DEBUG)
    first = token()
    second = token(rejected=first)
    simulator.fault("token", "cut")
    with pytest.raises(ApplicationTokenUnavailable):
        token(rejected=second)
    written = rows_of_every_table() | {"log": own_log(caplog)}
    secret = settings.EBAY_APPLICATIONS["simulator"]["client_secret"]
    found = {
        place for place, text in written.items() for word in (first, second, secret) if word[10:] in text
    }
    assert found == set()
    assert "application token minted environment=simulator" in written["log"]
