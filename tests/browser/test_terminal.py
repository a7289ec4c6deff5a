"""The token terminal in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.factories import AccountFactory, MembershipFactory
from tokens.models import ConnectLog
from tokens.tests.linked import expired_account, stored_refresh_token

from .steps import log_in, open_workers

pytestmark = pytest.mark.slow


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


def test_refresh_debug_shows_its_exchange_at_once_and_all_can_be_copied(browser_page: Page, simulator):
    page, account = browser_page, expired_account(simulator)
    refresh_token = stored_refresh_token(account)
    log_in(page, MembershipFactory(organization=account.organization).user)
    open_workers(page, account)
    page.get_by_role("button", name="Refresh (debug)").click()
    shown = page.locator("details.ec-exchange")
    expect(shown).to_contain_text("Token refresh debug")
    expect(shown.locator(".ec-badge")).to_have_class(re.compile("ec-green"))
    expect(shown.get_by_text("grant_type=refresh_token")).to_be_visible()
    page.goto(f"/admin/tokens/terminal/?account={account.pk}")
    page.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text }")
    page.get_by_role("button", name="Copy all").click()
    page.wait_for_function("window.copied")
    copied = page.evaluate("window.copied")
    assert "POST " in copied
    assert "Authorization: ***REDACTED***" in copied
    assert "HTTP 200 after" in copied
    assert refresh_token not in copied
    assert refresh_token not in page.content()
