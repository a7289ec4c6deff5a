"""What people do in the browser, for tests to read like them."""

from __future__ import annotations

from playwright.sync_api import Locator, Page

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
