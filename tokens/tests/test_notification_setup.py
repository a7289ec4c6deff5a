"""Setting eBay up to notify us, with eBay's own calls to our door over real HTTP."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from accounts.models import AuditEvent, User
from ebayconnector.topics import TOPICS, ask_for_test, set_up_notifications, work_inbox
from tests.waiting import eventually
from tokens.models import InboundNotification, NotificationSetup
from tokens.services.notification_setup import setup_states

TOKEN = "verification_token-0123456789-abcdef"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def reachable(simulator, live_server, settings):
    """The simulator may call our web process, which answers with these settings."""
    settings.EBAY_NOTIFICATION_ENDPOINT = f"{live_server.url}/webhooks/ebay/events"
    settings.EBAY_NOTIFICATION_VERIFICATION_TOKEN = TOKEN
    settings.DEFAULT_FROM_EMAIL = "ops@example.com"
    simulator.post("notices/settings", retry_s=0.05)
    return simulator


def set_up(**options) -> None:
    call_command("setup_notifications", environment="simulator", **options)


def test_set_up_then_nothing_to_do_then_a_test_arrives(reachable, capsys):
    set_up(email="ops@example.com")
    state = reachable.get("notices")
    assert state["alert_emails"] == {"SimulatorApp-SIM-0001": "ops@example.com"}
    assert [one["topicId"] for one in state["subscriptions"]] == list(TOPICS)
    assert TOKEN not in capsys.readouterr().out

    set_up(test=True)

    assert "everything was right already" in capsys.readouterr().out
    assert reachable.get("notices")["destinations"] == state["destinations"]
    eventually(lambda: InboundNotification.objects.count() == len(TOPICS))
    work_inbox()
    assert set(InboundNotification.objects.values_list("status", flat=True)) == {"done"}
    assert [found.level for found in setup_states(["simulator"])] == ["ok"]
    assert AuditEvent.objects.filter(action="notifications_set_up").count() == 2


def test_what_was_changed_or_marked_down_at_ebay_is_put_right(reachable, settings, live_server):
    set_up()
    reachable.post("notices/settings", destination_status="MARKED_DOWN")
    settings.EBAY_NOTIFICATION_ENDPOINT = f"{live_server.url}/webhooks/ebay/events/"
    assert [found.level for found in setup_states(["simulator"])] == ["problem"]

    assert set_up_notifications("simulator").startswith("destination renewed (it was MARKED_DOWN)")

    destinations = reachable.get("notices")["destinations"]
    assert [(one["status"], one["deliveryConfig"]["endpoint"]) for one in destinations] == [
        ("ENABLED", settings.EBAY_NOTIFICATION_ENDPOINT)
    ]


def test_a_refusal_says_what_to_do(reachable, settings):
    reachable.post("notices/settings", refuse_local=True)
    with pytest.raises(CommandError, match="195017.*public https address"):
        set_up()
    assert "195017" in NotificationSetup.objects.get().error

    reachable.post("notices/settings", refuse_local=False)
    settings.EBAY_NOTIFICATION_ENDPOINT += "-nowhere"
    with pytest.raises(CommandError, match="195020.*reachable from outside"):
        set_up()

    settings.EBAY_NOTIFICATION_VERIFICATION_TOKEN = ""
    with pytest.raises(CommandError, match="EBAY_NOTIFICATION_VERIFICATION_TOKEN"):
        set_up()
    assert [found.level for found in setup_states(["production"])] == ["problem"]


def test_ebay_delivers_again_until_we_can_check(reachable):
    set_up()
    reachable.fault("/commerce/notification/v1/public_key/", "server_error", count=2)

    sent = reachable.post("notices", user={"username": "gone", "userId": "g1"})

    assert [one["statuses"] for one in sent["deliveries"]] == [[500, 500, 204]]
    assert InboundNotification.objects.get().deliveries == 1


def test_the_buttons_are_for_superusers_and_leave_a_job(reachable, client, admin_client):
    from django_q.models import OrmQ

    page, act = "/admin/tokens/inboundnotification/", "/admin/notifications/job/"
    form = {"act": "set_up", "environment": "simulator"}
    assert client.post(act, form).status_code == 302
    client.force_login(User.objects.create_user("olga", is_staff=True))
    assert client.post(act, form).status_code == 403
    assert OrmQ.objects.count() == 0

    admin_client.post(act, form | {"act": "nonsense"})
    assert OrmQ.objects.count() == 0
    assert b"not set up" in admin_client.get(page).content.lower()
    admin_client.post(act, form)

    assert [row.task["func"] for row in OrmQ.objects.all()] == ["ebayconnector.topics.set_up_notifications"]
    set_up_notifications("simulator")
    assert ask_for_test("simulator") == "eBay will send 2 tests"
    assert b"Ask eBay for a test" in admin_client.get(page).content
    eventually(lambda: InboundNotification.objects.count() == 2)
