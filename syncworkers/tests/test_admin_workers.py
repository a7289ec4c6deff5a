"""The Workers page: what it says, and who may press what."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.access import SYSTEM
from accounts.models import AuditEvent, Role, User
from syncworkers.models import Order, QuarantinedRecord, SyncState, SyncSwitch, WorkerRun
from syncworkers.ranges import Span
from syncworkers.registry import families_for
from syncworkers.services.switches import press_red_button
from tests.factories import (
    AccountFactory,
    MembershipFactory,
    OrderFactory,
    OrderLineItemFactory,
    RunFactory,
    SyncStateFactory,
)
from tokens.models import ApiPause

pytestmark = pytest.mark.django_db


@pytest.fixture
def account():
    return AccountFactory(house_name="Warehouse-A")


def client_of(account, role: str) -> Client:
    client = Client()
    client.force_login(MembershipFactory(organization=account.organization, role=role).user)
    return client


def board(account, role: str = Role.OPERATOR) -> str:
    answer = client_of(account, role).get(reverse("admin:workers_board"), {"account": account.pk})
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def line_of(html: str, family: str) -> str:
    """The worker's part of the board."""
    return html.partition(f'data-worker="{family}"')[2].partition("</tbody>")[0]


def press(client: Client, name: str, *args, **data):
    return client.post(reverse(f"admin:{name}", args=args), data, headers={"Accept": "application/json"})


def all_acts(account) -> list[tuple[str, tuple, dict]]:
    run = RunFactory(account=account, status="queued")
    return [
        ("run_worker", (account.pk, "orders"), {}),
        ("switch_worker", (account.pk, "orders"), {"enabled": "0"}),
        ("run_all", (account.pk,), {}),
        ("switch_account", (account.pk,), {"enabled": "0"}),
        ("refresh_token", (account.pk,), {}),
        ("cancel_run", (run.pk,), {}),
        ("red_button", (account.organization_id,), {"enabled": "0", "reason": "no"}),
        ("installation_button", (), {"enabled": "0", "reason": "no"}),
    ]


def test_a_viewer_presses_and_nothing_happens(account):
    acts, client = all_acts(account), client_of(account, Role.VIEWER)
    for name, args, data in acts:
        answer = press(client, name, *args, **data)
        assert answer.status_code == 403, name
        assert "operator" in answer.json()["message"] or name == "installation_button"
    account.refresh_from_db()
    assert account.workers_enabled
    assert list(WorkerRun.objects.values_list("status", flat=True)) == ["queued"]
    assert not SyncSwitch.objects.exists()
    assert not AuditEvent.objects.exists()


def test_a_viewer_sees_the_buttons_disabled_with_the_role_they_need(account):
    html = board(account, Role.VIEWER)
    assert 'id="red-button" class="ec-stop" type="button" data-open="stop-dialog" disabled' in html
    assert html.count("This needs the role operator") >= 4


def test_an_operator_does_not_see_the_admins_buttons(account):
    html = board(account, Role.OPERATOR)
    assert "Refresh (debug)" not in html
    assert "Reconnect" not in html


def test_only_an_admin_may_refresh_with_debug(account):
    answer = press(client_of(account, Role.OPERATOR), "refresh_token", account.pk, debug="1")
    assert answer.status_code == 403


def test_run_now_queues_a_run_and_leaves_an_audit_row(account):
    answer = press(client_of(account, Role.OPERATOR), "run_worker", account.pk, "orders")
    assert answer.json() == {"message": "Orders: a run is queued.", "level": "success"}
    run = WorkerRun.objects.get()
    assert (run.status, run.trigger) == ("queued", "manual")
    assert AuditEvent.objects.get().target_id == str(account.pk)


def test_run_now_while_running_says_since_when(account):
    started = timezone.now() - timedelta(minutes=3)
    RunFactory(account=account, status="running", started_at=started)
    answer = press(client_of(account, Role.OPERATOR), "run_worker", account.pk, "orders")
    assert answer.json()["level"] == "info"
    assert answer.json()["message"].startswith("Orders: already running since ")
    assert f"{started:%H:%M:%S}" in answer.json()["message"] or started.date() != timezone.now().date()


def test_a_refused_run_says_why_and_what_to_do(account):
    account.token.delete()
    answer = press(client_of(account, Role.OPERATOR), "run_worker", account.pk, "orders")
    assert "The account is not connected. An admin must connect" in answer.json()["message"]


def test_an_unknown_family_is_not_found(account):
    assert press(client_of(account, Role.OPERATOR), "run_worker", account.pk, "nothing").status_code == 404


def test_a_button_cannot_be_pressed_by_a_link(account):
    url = reverse("admin:run_worker", args=[account.pk, "orders"])
    assert client_of(account, Role.OPERATOR).get(url).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(MembershipFactory(organization=account.organization).user)
    assert strict.post(url).status_code == 403
    assert not WorkerRun.objects.exists()


def test_without_the_script_a_button_returns_to_the_page(account):
    client = client_of(account, Role.OPERATOR)
    answer = client.post(reverse("admin:run_all", args=[account.pk]), {"account": account.pk}, follow=True)
    assert answer.redirect_chain == [(f"/admin/workers/?account={account.pk}", 302)]
    count = len(families_for(account.purpose))
    assert f"{count} of {count} workers queued".encode() in answer.content


def test_switching_a_worker_off_cancels_its_queued_run(account):
    run = RunFactory(account=account, status="queued")
    press(client_of(account, Role.OPERATOR), "switch_worker", account.pk, "orders", enabled="0")
    run.refresh_from_db()
    assert run.status == "cancelled"
    assert not SyncState.objects.get().enabled


def test_cancel_ends_a_queued_run(account):
    run = RunFactory(account=account, status="queued")
    assert press(client_of(account, Role.OPERATOR), "cancel_run", run.pk).json()["level"] == "success"
    run.refresh_from_db()
    assert run.status == "cancelled"


def test_the_red_button_wants_a_reason(account):
    answer = press(
        client_of(account, Role.OPERATOR), "red_button", account.organization_id, enabled="0", reason=" "
    )
    assert answer.status_code == 400
    assert not SyncSwitch.objects.exists()


def test_the_red_button_stops_and_everybody_sees_who_and_why(account):
    run = RunFactory(account=account, status="queued")
    client = client_of(account, Role.OPERATOR)
    press(client, "red_button", account.organization_id, enabled="0", reason="<b>stock count</b>")
    run.refresh_from_db()
    assert run.status == "cancelled"
    html = board(account, Role.VIEWER)
    assert "All workers of" in html and "&lt;b&gt;stock count&lt;/b&gt;" in html
    press(client, "red_button", account.organization_id, enabled="1")
    assert "data-stopped" not in board(account, Role.VIEWER)


def test_the_installations_button_is_the_superusers(account):
    assert "installation-button" not in board(account, Role.ADMIN)
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    assert press(client, "installation_button", enabled="0", reason="upgrade").status_code == 200
    assert SyncSwitch.objects.get().organization is None
    assert "the whole installation are stopped" in board(account, Role.VIEWER)


def test_no_account_yet_invites_to_connect_one(account):
    account.delete()
    admin = client_of(account, Role.ADMIN).get(reverse("admin:workers")).content
    viewer = client_of(account, Role.VIEWER).get(reverse("admin:workers")).content
    assert b"Connect your first account" in admin
    assert b"Connect your first account" not in viewer


def test_a_worker_that_never_ran_says_so(account):
    html = board(account)
    assert "Never ran" in html and "nothing read yet" in html and "No run yet" in html


def test_a_healthy_worker_says_how_complete_it_is(account):
    now = timezone.now()
    SyncStateFactory(
        account=account,
        last_success_at=now,
        covered=[Span(now - timedelta(days=45), now - timedelta(minutes=2))],
    )
    html = board(account)
    assert (
        "Up to date" in html
        and "2 min behind" in html
        and "50 % of 90 days" in html
        or "49 % of 90 days" in html
    )


def test_a_running_worker_shows_its_progress_and_cancel(account):
    SyncStateFactory(account=account)
    RunFactory(
        account=account,
        status="running",
        started_at=timezone.now(),
        rows_fetched=500,
        rows_expected=2000,
        pages=3,
    )
    html = line_of(board(account), "orders")
    assert "3 pages, 500 of 2,000 rows" in html
    assert 'aria-valuenow="25"' in html
    assert ">Cancel</button>" in html and ">Run now</button>" not in html


def test_a_failed_worker_says_what_to_do(account):
    SyncStateFactory(account=account, last_error="eBay answered 503 three times")
    RunFactory(account=account, status="error", reason="ebay_unavailable")
    html = board(account)
    assert "Failed" in html and "eBay answered 503 three times. It is tried again by itself." in html


def test_a_paused_api_and_the_quarantine_are_shown(account):
    ApiPause.objects.create(
        environment="simulator", api="fulfillment", until=timezone.now() + timedelta(minutes=5), reason="429"
    )
    now = timezone.now()
    QuarantinedRecord.objects.create(
        account=account, api_family="orders", record_key="1", evidence={}, error="x", start_at=now,
        end_at=now, last_seen_at=now,
    )  # fmt: skip
    html = board(account)
    assert "eBay asked us to pause this API" in html
    assert "1 record in quarantine" in html and "state=open" in html


def test_the_run_page_shows_its_log_and_leads_there_from_the_list(account):
    run = RunFactory(
        account=account, status="completed", started_at=timezone.now(), finished_at=timezone.now()
    )
    run.logs.create(event="page", message="page 1: 200 rows")
    client = client_of(account, Role.VIEWER)
    change = client.get(reverse("admin:syncworkers_workerrun_change", args=[run.pk]), follow=True)
    assert b"page 1: 200 rows" in change.content
    assert b"page 1: 200 rows" in client.get(reverse("admin:run_lines", args=[run.pk])).content


def test_orders_are_found_by_title_and_exported_without_formulas(account):
    order = OrderFactory(account=account, buyer_username="=HYPERLINK(1)", order_id="12-1")
    OrderLineItemFactory(order=order, title="Vintage lens")
    OrderFactory(account=account, order_id="12-2")
    OrderFactory(order_id="foreign-3")
    client = client_of(account, Role.VIEWER)
    url = reverse("admin:syncworkers_order_changelist")
    found = client.get(url, {"q": "vintage"}).content
    assert b"12-1" in found and b"12-2" not in found
    everything = list(Order.objects.values_list("pk", flat=True))
    answer = client.post(url, {"action": "export_csv", "_selected_action": everything})
    body = b"".join(answer.streaming_content).decode()
    assert len(body.splitlines()) == 3 and "foreign-3" not in body
    assert "'=HYPERLINK(1)" in body


def test_data_cannot_be_changed_in_the_console(account):
    order = OrderFactory(account=account)
    client = client_of(account, Role.ADMIN)
    for page in ("change", "delete"):
        url = reverse(f"admin:syncworkers_order_{page}", args=[order.pk])
        assert client.post(url, {"order_id": "x", "post": "yes"}).status_code == 403


def test_the_button_of_one_organisation_is_not_that_of_another(account):
    press_red_button(account.organization, enabled=False, reason="mine", by=SYSTEM)
    assert "data-stopped" in board(account, Role.VIEWER)
    assert "data-stopped" not in board(AccountFactory(), Role.VIEWER)
