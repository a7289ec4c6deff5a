"""The buyer's road in a browser: from a link to the countdown, and the timeline after the end."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Role
from sniper.models import Snipe
from sniper.tests.bidding import auction, bidder, executors, raises
from tests.factories import MembershipFactory

from .steps import is_marked, log_in, mark

pytestmark = pytest.mark.slow

# A bid, an end and a result later; a busy machine may take its own.
AFTER_THE_END_MS = 60_000


@pytest.mark.timeout(180)
def test_from_a_link_to_the_timeline(browser_page: Page, simulator, tmp_path):
    page = browser_page
    account = bidder(simulator)
    log_in(page, MembershipFactory(organization=account.organization, role=Role.OPERATOR).user)
    with executors(tmp_path):
        item = auction(simulator, title="Brass lamp", ends_in_s=20)
        page.goto("/admin/snipe-new/")
        page.get_by_label("Item").fill(f"https://www.ebay.com/itm/brass-lamp/{item}?hash=x")
        page.get_by_role("button", name="Look at the item").click()
        expect(page.locator("[data-preview]")).to_contain_text("Brass lamp")
        page.get_by_label("Maximum").fill("40.00")
        page.get_by_label("Seconds before the end").fill("2")
        page.get_by_role("button", name="Snipe it").click()
        page.wait_for_url(re.compile(r"/admin/snipes/\d+/"))
        mark(page)
        left = page.locator("[data-left]")
        expect(left).to_contain_text(re.compile(r"Bids in\s+0:00:\d\d"))
        expect(left).not_to_have_text(left.inner_text(), timeout=3000)
        expect(page.locator("[data-status]")).to_contain_text("Won", timeout=AFTER_THE_END_MS)
    assert is_marked(page)
    expect(page.locator("[data-moment='1'] svg")).to_have_attribute("aria-label", re.compile("latency"))
    expect(page.locator("body")).to_contain_text("placeProxyBid, user token, HTTP 200")
    assert Snipe.objects.get().status == "won"
    assert [row["raises"] for row in raises(simulator, item)] == [1]
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
