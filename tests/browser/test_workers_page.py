"""The Workers page in a real browser: it follows the database without being reloaded."""

from __future__ import annotations

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import Role
from syncworkers.models import SyncSwitch, WorkerRun
from tests.factories import (
    AccountFactory,
    MembershipFactory,
    OrderFactory,
    OrderLineItemFactory,
    RunFactory,
    SyncStateFactory,
)

from .steps import is_marked, log_in, mark, open_workers, worker

pytestmark = pytest.mark.slow

# The page promises new state within 3 s.
SOON_MS = 3000
# Where the time is not the point, a busy machine may take its own.
LATER_MS = 9000


@pytest.fixture
def account(transactional_db):
    account = AccountFactory(house_name="Warehouse-A")
    SyncStateFactory(account=account)
    return account


def person(account, role: str = Role.OPERATOR):
    return MembershipFactory(organization=account.organization, role=role).user


def test_run_now_shows_the_run_and_follows_it_without_reloading(browser_page: Page, account):
    page = browser_page
    log_in(page, person(account))
    open_workers(page, account)
    mark(page)
    row = worker(page, "orders")
    row.get_by_role("button", name="Run now").click()
    expect(row.locator("[data-status]")).to_contain_text("Queued", timeout=SOON_MS)
    expect(page.locator("#ec-toasts")).to_contain_text("a run is queued")
    run = WorkerRun.objects.filter(account=account)
    run.update(status="running", started_at=timezone.now(), pages=3, rows_fetched=500, rows_expected=2000)
    expect(row.locator("[data-progress]")).to_have_text("3 pages, 500 of 2,000 rows", timeout=SOON_MS)
    run.update(pages=9, rows_fetched=1500, rows_stored=1400)
    expect(row.locator("[data-progress]")).to_have_text("9 pages, 1,500 of 2,000 rows", timeout=SOON_MS)
    run.update(status="completed", finished_at=timezone.now(), rows_fetched=2000, rows_stored=1900)
    expect(row.locator("[data-counts]")).to_contain_text("2,000 fetched, 1,900 stored", timeout=SOON_MS)
    expect(row.get_by_role("button", name="Run now")).to_be_visible()
    assert is_marked(page)


def test_the_red_button_stops_everything_and_says_who_and_why(browser_page: Page, account):
    page, user = browser_page, person(account)
    run = RunFactory(account=account, status="queued")
    log_in(page, user)
    open_workers(page, account)
    page.locator("#red-button").click()
    dialog = page.locator("#stop-dialog")
    dialog.get_by_role("button", name="STOP EVERYTHING").click()
    expect(dialog).to_be_visible()  # no reason, no stop
    assert not SyncSwitch.objects.exists()
    dialog.get_by_label("Reason").fill("wrong prices")
    dialog.get_by_role("button", name="STOP EVERYTHING").click()
    banner = page.locator("[data-stopped]")
    expect(banner).to_contain_text("wrong prices", timeout=LATER_MS)
    expect(banner).to_contain_text(user.username)
    expect(dialog).to_be_hidden()
    expect(page.locator(f"[data-run='{run.pk}']")).to_contain_text("Cancelled", timeout=LATER_MS)
    banner.get_by_role("button", name="Resume").click()
    expect(banner).to_be_hidden(timeout=LATER_MS)


def test_an_open_dialog_and_the_focus_survive_the_polls(browser_page: Page, account):
    page = browser_page
    log_in(page, person(account))
    open_workers(page, account)
    page.locator("#run-all").focus()
    RunFactory(account=account, status="running", started_at=timezone.now(), rows_expected=10)
    expect(worker(page, "orders").locator("[data-status]")).to_contain_text("Running", timeout=LATER_MS)
    expect(page.locator("#run-all")).to_be_focused()
    page.locator("#red-button").click()
    reason = page.locator("#stop-dialog textarea")
    reason.fill("half a sen")
    WorkerRun.objects.update(rows_fetched=7)
    expect(page.locator("[data-progress]")).to_contain_text("7 of 10", timeout=LATER_MS)
    expect(reason).to_have_value("half a sen")
    expect(reason).to_be_focused()


def test_a_viewer_cannot_press_and_learns_why(browser_page: Page, account):
    page = browser_page
    log_in(page, person(account, Role.VIEWER))
    open_workers(page, account)
    for button in (page.locator("#red-button"), page.locator("#run-all"), page.locator("#switch-orders")):
        expect(button).to_be_disabled()
        expect(button).to_have_attribute("title", "This needs the role operator")


def test_a_lost_connection_is_said_and_heals(browser_page: Page, account):
    page = browser_page
    log_in(page, person(account))
    open_workers(page, account)
    notice = page.locator("[data-live-notice]")
    expect(notice).to_be_hidden()
    page.route("**/workers/board/**", lambda route: route.abort())
    expect(notice).to_have_text("Connection lost, trying again…", timeout=LATER_MS)
    page.unroute("**/workers/board/**")
    SyncStateFactory._meta.model.objects.update(last_error="after the gap")
    expect(page.locator("body")).to_contain_text("after the gap", timeout=LATER_MS)
    expect(notice).to_be_hidden()


def test_log_lines_of_a_run_appear_by_themselves(browser_page: Page, account):
    page = browser_page
    run = RunFactory(account=account, status="running", started_at=timezone.now())
    log_in(page, person(account, Role.VIEWER))
    open_workers(page, account)
    page.locator(f"[data-run='{run.pk}'] a").click()
    expect(page.locator("body")).to_contain_text("No line yet")
    run.logs.create(event="page", message="page 1: 200 rows of 400")
    expect(page.locator(".ec-log")).to_contain_text("page 1: 200 rows of 400", timeout=LATER_MS)


def test_what_a_buyer_wrote_does_not_run(browser_page: Page, account):
    page = browser_page
    hostile = "</pre><img src=x onerror='window.hit = 1'><script>window.hit = 1</script>"
    order = OrderFactory(account=account, buyer_username=hostile, payload={"note": hostile})
    OrderLineItemFactory(order=order, title=hostile)
    log_in(page, person(account, Role.VIEWER))
    for address in ("/admin/syncworkers/order/", f"/admin/syncworkers/order/{order.pk}/change/"):
        page.goto(address)
        expect(page.locator("body")).to_contain_text("onerror")
        assert page.evaluate("window.hit") is None
