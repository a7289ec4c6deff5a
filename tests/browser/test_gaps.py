"""A gap of the coverage strip, pressed in a real browser."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import Role
from syncworkers.models import FailedSlice, WorkerRun
from syncworkers.ranges import Span
from tests.factories import AccountFactory, MembershipFactory, SyncStateFactory

from .steps import log_in, open_workers, worker

pytestmark = pytest.mark.slow


def test_a_pressed_gap_is_read_again(browser_page: Page, transactional_db):
    page, now = browser_page, timezone.now()
    account = AccountFactory()
    start, end = now - timedelta(days=30), now - timedelta(days=30, hours=-1)
    SyncStateFactory(account=account, covered=[Span(end, now)])
    slice_ = FailedSlice.objects.create(
        account=account, api_family="orders", start_at=start, end_at=end, reason="drift", failed_at=now,
        retry_at=now + timedelta(hours=6),
    )  # fmt: skip
    log_in(page, MembershipFactory(organization=account.organization, role=Role.OPERATOR).user)
    page.set_viewport_size({"width": 390, "height": 844})
    open_workers(page, account)
    gap = worker(page, "orders").get_by_role("button", name="Failed: ")
    assert gap.bounding_box()["width"] >= 8  # an hour of 90 days would be less than a pixel
    gap.click()
    expect(page.locator("#ec-toasts")).to_contain_text("a run is queued")
    slice_.refresh_from_db()
    assert slice_.retry_at <= timezone.now()
    assert WorkerRun.objects.get().status == "queued"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
