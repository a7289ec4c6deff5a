"""The door for eBay's notifications: what is taken, what is refused, and what each of them costs."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import partial

import pytest
from django.test import Client
from django.utils import timezone
from django_q.models import OrmQ

from accounts.models import User
from ebayconnector.topics import work_inbox
from syncworkers.tests.running import in_threads
from tests.factories import AccountFactory, OrderFactory
from tests.simulator import Simulator
from tokens import people
from tokens.models import ErasedPerson, InboundNotification, NotificationKey
from tokens.services import notification_keys
from tokens.tests.linked import linked_account, stored

DOOR = "/webhooks/ebay/events"
USER = {"username": "Canary.Buyer", "userId": "C4naryUser1", "eiasToken": "nY+sHZcanary=="}
KEY_CALLS = "/commerce/notification/v1/public_key/"

pytestmark = pytest.mark.django_db(transaction=True)


def post(letter: dict) -> int:
    headers = {name: value for name, value in letter["headers"].items() if name != "Content-Type"}
    response = Client().post(DOOR, letter["body"].encode(), content_type="application/json", headers=headers)
    return response.status_code


def notify(simulator: Simulator, **what) -> int:
    return post(simulator.post("notices/compose", **({"user": USER} | what)))


def inbox() -> list[InboundNotification]:
    return list(InboundNotification.objects.order_by("pk"))


def test_the_challenge_is_answered_from_the_settings_alone(settings, client):
    settings.EBAY_NOTIFICATION_ENDPOINT = "http://www.testendpoint.com/webhook"
    settings.EBAY_NOTIFICATION_VERIFICATION_TOKEN = code = "71745723-d031-455c-bfa5-f90d11b4f20a"

    answer = client.get(f"{DOOR}/?challenge_code={code}", headers={"Host": "elsewhere.example"})

    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    # 03 §10.1, worked.
    wanted = "048de9ffd0e35021fefc0388d5c52e0f475324f582f3778ca81a53354ccbbc97"
    assert answer.json() == {"challengeResponse": wanted}


@pytest.mark.parametrize("token", ["", "short"])
def test_without_usable_settings_the_challenge_is_not_answered(settings, client, token):
    settings.EBAY_NOTIFICATION_ENDPOINT = "https://example.com/webhooks/ebay/events"
    settings.EBAY_NOTIFICATION_VERIFICATION_TOKEN = token
    assert client.get(f"{DOOR}?challenge_code=abc").status_code == 503
    assert client.get(DOOR).status_code == 400


def test_a_notification_is_stored_before_it_is_worked_on_and_without_names(simulator):
    assert notify(simulator) == 204

    row = inbox()[0]
    assert (row.status, row.topic, row.environment) == (
        "received",
        "MARKETPLACE_ACCOUNT_DELETION",
        "simulator",
    )
    assert len(row.persons) == 3
    assert OrmQ.objects.count() == 1
    assert not [name for name in USER.values() if name.encode() in str(row.__dict__).encode()]
    assert work_inbox() == 1
    assert inbox()[0].status == "done"


BAD = {
    "signature": 412, "unsigned": 412, "unknown_kid": 412, "path_kid": 412, "digest": 412, "alg": 412,
    "altered": 412, "not_json": 412, "not_an_object": 412, "no_data": 412, "huge": 413,
}  # fmt: skip


def test_what_is_not_ebays_or_no_notification_is_refused(simulator):
    answers = {damage: notify(simulator, damage=damage) for damage in BAD}

    assert answers == BAD
    assert inbox() == []
    assert OrmQ.objects.count() == 0
    # A kid that is no UUID leads to no call, whatever address it spells.
    assert [entry["path"] for entry in simulator.requests("sell/fulfillment")] == []


def test_a_body_that_was_written_anew_on_the_way_is_known_by_its_content(simulator):
    letter = simulator.post("notices/compose", user=USER)
    letter["body"] = json.dumps(json.loads(letter["body"]), indent=2)
    assert post(letter) == 204


def test_the_same_notification_again_changes_nothing(simulator):
    letter = simulator.post("notices/compose", user=USER)
    assert [post(letter), post(letter)] == [204, 204]
    work_inbox()
    again = simulator.post(
        "notices/compose", user=USER, notification_id=inbox()[0].notification_id, attempt=4
    )

    assert post(again) == 204

    assert [(row.status, row.deliveries) for row in inbox()] == [("done", 3)]
    assert work_inbox() == 0


def test_keys_are_fetched_once_and_again_after_an_hour(simulator):
    for _ in range(3):
        assert notify(simulator) == 204
    assert len(simulator.requests(KEY_CALLS)) == 1

    NotificationKey.objects.update(good_until=timezone.now() - timedelta(seconds=1))
    assert notify(simulator) == 204
    assert len(simulator.requests(KEY_CALLS)) == 2

    simulator.post("notices/rotate_key")
    assert notify(simulator) == 204
    assert len(simulator.requests(KEY_CALLS)) == 3


def test_made_up_key_ids_cost_few_calls_and_one_of_them_only_once(simulator, monkeypatch):
    monkeypatch.setattr(notification_keys, "MOST_UNKNOWN", 3)
    letter = simulator.post("notices/compose", user=USER, damage="unknown_kid")
    assert [post(letter), post(letter)] == [412, 412]
    assert len(simulator.requests(KEY_CALLS)) == 1

    answers = [notify(simulator, damage="unknown_kid") for _ in range(4)]

    assert len(simulator.requests(KEY_CALLS)) == 3
    # Whether eBay knows the rest is not known: it may send them again.
    assert answers == [412] * 2 + [500] * 2


def test_many_at_once_ask_for_an_unknown_key_once_and_work_on_each_notification_once(simulator):
    letters = [simulator.post("notices/compose", user=USER) for _ in range(6)]
    simulator.post("latency", path=KEY_CALLS, seconds=0.3)
    try:
        assert in_threads([partial(post, letter) for letter in letters]) == [204] * 6
    finally:
        simulator.post("latency", path=KEY_CALLS, seconds=0)
    assert len(simulator.requests(KEY_CALLS)) == 1

    assert sum(in_threads([work_inbox, work_inbox])) == 6
    assert {(row.status, row.attempts) for row in inbox()} == {("done", 1)}


def test_while_ebay_does_not_tell_the_key_it_is_asked_to_send_again(simulator):
    simulator.fault(KEY_CALLS, "server_error", count=1)
    assert notify(simulator) == 500
    assert inbox() == []
    assert notify(simulator) == 204


def test_strangers_cost_next_to_nothing(simulator, django_assert_max_num_queries):
    AccountFactory.create_batch(3)
    OrderFactory()
    notify(simulator)
    work_inbox()
    letters = [
        simulator.post("notices/compose", user={"username": f"stranger{n}", "userId": f"u{n}"})
        for n in range(20)
    ]
    with django_assert_max_num_queries(5):
        post(letters[0])
    for letter in letters[1:]:
        post(letter)
    # One ticket for all: nobody had worked on the first meanwhile.
    assert OrmQ.objects.count() == 2

    with django_assert_max_num_queries(8):
        assert work_inbox() == 20

    assert InboundNotification.objects.filter(status="done", result={}).count() == 21
    # Only for a while: who is not known here is not remembered for ever.
    assert ErasedPerson.objects.filter(expires_at=None).count() == 0


def test_a_topic_without_work_is_kept_as_ignored(simulator):
    assert notify(simulator, topic="ITEM_AVAILABILITY", data={"sku": "A"}) == 204
    work_inbox()
    assert [(row.topic, row.status) for row in inbox()] == [("ITEM_AVAILABILITY", "ignored")]


def test_a_failure_is_tried_again_later_and_given_up_visibly(simulator, monkeypatch):
    linked_account(simulator)
    username = simulator.sellers()[0]["username"]

    def break_down(*args):
        raise KeyError(username)

    monkeypatch.setattr("tokens.services.forget.revoke_consents", break_down)
    assert notify(simulator, topic="AUTHORIZATION_REVOCATION", seller=username) == 204
    assert work_inbox() == 1
    row = inbox()[0]
    assert (row.status, row.attempts) == ("received", 1)
    assert row.next_attempt_at > timezone.now()
    assert row.error.startswith("KeyError in break_down")
    assert username not in row.error
    assert work_inbox() == 0

    InboundNotification.objects.update(attempts=7, next_attempt_at=timezone.now())
    work_inbox()
    assert inbox()[0].status == "failed"

    monkeypatch.undo()
    root = Client()
    root.force_login(User.objects.create_superuser("root"))
    page = "/admin/tokens/inboundnotification/"
    root.post(page, {"action": "again", "_selected_action": [inbox()[0].pk]})
    assert work_inbox() == 1
    assert inbox()[0].status == "done"


# -- Revoked consents ------------------------------------------------------------------------------------


def test_a_revoked_consent_stops_the_account_in_both_organisations(simulator):
    accounts = [linked_account(simulator), linked_account(simulator)]
    other = linked_account(simulator, seller=1)

    notify(simulator, topic="AUTHORIZATION_REVOCATION", seller=accounts[0].username, reason="PASSWORD_CHANGE")
    work_inbox()

    for account in accounts:
        token = stored(account)
        assert token.refresh_error == ("invalid_grant: eBay says that it was revoked (PASSWORD_CHANGE)")
        assert token.access_token_sealed == ""
        assert account.connect_logs.get().action == "consent_revoked"
        # At once, not with the minute's check.
        assert account.notices.get(closed_at=None).kind == "needs_reconnect"
    assert stored(other).refresh_error == ""
    assert inbox()[0].result == {"ebay_tokens": 2}


def test_a_revocation_that_is_older_than_the_consent_changes_nothing(simulator):
    account = linked_account(simulator)
    simulator.post("notices/rotate_key")
    notify(
        simulator,
        topic="AUTHORIZATION_REVOCATION",
        seller=account.username,
        event_date=(timezone.now() - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
    )
    work_inbox()
    assert stored(account).refresh_error == ""
    assert inbox()[0].status == "done"


# -- Names as hashes -------------------------------------------------------------------------------------


def test_postgresql_computes_the_same_hash(db):
    from ebayconnector.database import fetch_one

    for name in ("Canary.Buyer", "  spaced ", "Ünïcode_ÄÖ", "^*special'\"%", "UPPER"):
        expression, keys = people.hash_sql("%s", "%s")
        row = fetch_one(f"SELECT {expression}", [*keys, "sandbox", name])
        assert bytes(row[0]) == people.person_hash("sandbox", name)
    assert people.person_hash("sandbox", "x") != people.person_hash("production", "x")


def test_a_key_that_was_replaced_still_finds_people(settings):
    old = people.person_hash("simulator", "somebody")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-0123456789-abcdefghijklmnopqrstuvwxyz"
    assert old in people.person_hashes("simulator", ["Somebody"])
    assert len(people.person_hashes("simulator", ["Somebody"])) == 2
