"""The token terminal in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.factories import AccountFactory, MembershipFactory
from tokens.models import ConnectLog

from .steps import log_in

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]


def exchange(account, body: str) -> ConnectLog:
    return ConnectLog.objects.create(
        organization=account.organization, account=account, environment="simulator", action="token_refreshed",
        source="debug", request={"method": "POST", "body": body}, response={"status": 200},
    )  # fmt: skip


def test_a_new_exchange_appears_on_top_and_the_open_one_stays_open(browser_page: Page):
    page, account = browser_page, AccountFactory()
    exchange(account, "the-older")
    log_in(page, MembershipFactory(organization=account.organization).user)
    page.goto("/admin/tokens/terminal/")
    page.locator("summary").click()
    expect(page.get_by_text("the-older")).to_be_visible()
    exchange(account, "the-newer")
    expect(page.locator("summary")).to_have_count(2, timeout=9000)
    expect(page.locator("details").first).to_contain_text("the-newer")
    expect(page.get_by_text("the-older")).to_be_visible()
    expect(page.get_by_text("the-newer")).to_be_hidden()
