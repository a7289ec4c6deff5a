"""What people do in the browser, for tests to read like them."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from accounts.models import EbayAccount, User
from tests.factories import PASSWORD


def log_in(page: Page, user: User) -> None:
    page.goto("/admin/login/")
    page.fill("[name=username]", user.username)
    page.fill("[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url("**/admin/")


def open_workers(page: Page, account: EbayAccount) -> None:
    page.goto(f"/admin/workers/?account={account.pk}")


def worker(page: Page, family: str) -> Locator:
    """The row of a worker on the Workers page."""
    return page.locator(f"[data-worker={family}]")


def mark(page: Page) -> None:
    """Leave a mark that a reload would wipe out."""
    page.evaluate("window.stillTheSamePage = true")


def is_marked(page: Page) -> bool:
    return bool(page.evaluate("window.stillTheSamePage === true"))


def connect(page: Page, *, house_name: str) -> None:
    """Accounts → Connect, eBay's consent page, and back."""
    page.goto("/admin/connect/")
    page.get_by_label("House name").fill(house_name)
    page.locator("select[name=purpose]").select_option("SELLER")
    page.locator("select[name=environment]").select_option("simulator")
    page.get_by_role("button", name="Continue to eBay").click()
    agree(page)
    expect(page.locator("body")).to_contain_text(house_name)


def agree(page: Page, *, seller: int = 0) -> None:
    """On eBay's consent page: log in as the seller of this place in the list, agree, come back."""
    page.wait_for_url(re.compile("oauth2/authorize"))
    page.locator("select[name=seller]").select_option(index=seller)
    page.get_by_role("button", name="Agree").click()
    page.wait_for_url(re.compile("/ebay/connect/callback"))
