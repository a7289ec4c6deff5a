"""The whole road in a browser: consent page, clusters, counts that change by themselves, the red button."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from accounts.models import EbayAccount, Role
from syncworkers.models import Order, WorkerRun
from tests.factories import MembershipFactory, OrganizationFactory
from tests.processes import running_cluster
from tests.waiting import eventually
from tokens.models import EbayToken

from .steps import connect, is_marked, log_in, mark, worker

pytestmark = pytest.mark.slow


@pytest.mark.timeout(180)
def test_from_log_in_to_orders_and_the_red_button(browser_page: Page, at_home, tmp_path):
    page, simulator = browser_page, at_home
    simulator.reset(orders=8000)
    admin = MembershipFactory(organization=OrganizationFactory(name="Alpha"), role=Role.ADMIN).user
    log_in(page, admin)
    connect(page, house_name="Warehouse-A")
    account = EbayAccount.objects.get()
    assert EbayToken.objects.get(account=account).access_token_sealed.startswith("enc:v1:")

    simulator.post("latency", path="/sell/fulfillment", seconds=0.7)
    page.goto(f"/admin/workers/?account={account.pk}")
    mark(page)
    with running_cluster("sync", tmp_path):
        row = worker(page, "orders")
        row.get_by_role("button", name="Run now").click()
        expect(row.locator("[data-progress]")).to_contain_text("page", timeout=30_000)
        first = row.locator("[data-progress]").inner_text()
        expect(row.locator("[data-progress]")).not_to_have_text(first, timeout=15_000)
        run = WorkerRun.objects.get(trigger="manual")

        page.locator("#red-button").click()
        dialog = page.locator("#stop-dialog")
        dialog.get_by_label("Reason").fill("wrong prices")
        dialog.get_by_role("button", name="STOP EVERYTHING").click()
        expect(page.locator("[data-stopped]")).to_contain_text("wrong prices", timeout=15_000)
        expect(page.locator("[data-standstill]")).to_contain_text("All stopped after", timeout=15_000)
        expect(page.locator(f"[data-run='{run.pk}']")).to_contain_text("Cancelled", timeout=15_000)
        run.refresh_from_db()
        assert (run.status, run.reason) == ("cancelled", "workers_disabled")
        stored = Order.objects.count()
        assert stored == run.rows_stored > 0

        page.locator("[data-stopped]").get_by_role("button", name="Resume").click()
        expect(page.locator("[data-stopped]")).to_be_hidden(timeout=15_000)
        simulator.post("latency", path="/sell/fulfillment", seconds=0)
        row.get_by_role("button", name="Run now").click()
        eventually(lambda: WorkerRun.objects.filter(status="completed").exists(), within_s=60)
        expect(row.locator("[data-counts]")).to_contain_text("fetched", timeout=15_000)
    assert is_marked(page)
    assert Order.objects.count() > stored


def test_a_declined_consent_changes_nothing_and_says_so(browser_page: Page, at_home):
    page = browser_page
    log_in(page, MembershipFactory(role=Role.ADMIN).user)
    page.goto("/admin/connect/")
    page.get_by_label("House name").fill("Warehouse-A")
    page.locator("select[name=purpose]").select_option("SELLER")
    page.locator("select[name=environment]").select_option("simulator")
    page.get_by_role("button", name="Continue to eBay").click()
    page.get_by_role("button", name="Decline").click()
    expect(page.locator("body")).to_contain_text("declined")
    assert not EbayAccount.objects.exists()
