"""The whole life of an account in a browser: connect, refresh, break, notice, reconnect, disconnect."""

from __future__ import annotations

import pytest
from django.core import mail
from django.db.models import F
from playwright.sync_api import Page, expect

from accounts.models import EbayAccount, Notice, NoticeMail, Role
from accounts.notice_mail import send_due
from ebayconnector.notice_checks import check_notices
from syncworkers.tasks import delete_account_data
from tests.factories import MembershipFactory, OrderFactory, OrganizationFactory
from tokens.models import EbayToken

from .steps import agree, connect, log_in

pytestmark = pytest.mark.slow

LATER_MS = 9000


def test_the_life_of_an_account(browser_page: Page, at_home):
    page, simulator = browser_page, at_home
    admin = MembershipFactory(organization=OrganizationFactory(name="Alpha"), role=Role.ADMIN).user
    log_in(page, admin)
    connect(page, house_name="Warehouse-A")
    account = EbayAccount.objects.get()
    OrderFactory(account=account)
    home = f"/admin/accounts/ebayaccount/{account.pk}/change/"

    # It works, and says how well.
    page.goto(home)
    page.get_by_role("button", name="Refresh token", exact=True).click()
    expect(page.locator("#ec-toasts")).to_contain_text("is refreshed", timeout=LATER_MS)
    page.get_by_role("button", name="Check now").click()
    expect(page.locator("#ec-toasts")).to_contain_text("Warehouse-A is well", timeout=LATER_MS)
    page.goto(home)
    expect(page.locator("#health .ec-plot-mark")).to_have_count(1)

    # It breaks: one notice, one e-mail, at once where people look.
    simulator.post("tokens/revoke", seller=account.username)
    page.get_by_role("button", name="Refresh token", exact=True).click()
    expect(page.locator("#ec-toasts")).to_contain_text("invalid_grant", timeout=LATER_MS)
    page.goto("/admin/")
    expect(page.locator("#notices")).to_contain_text("Warehouse-A must be reconnected")
    for _ in range(2):
        check_notices()
        send_due()
    assert [message.subject for message in mail.outbox] == [
        "[eBay connector] Warehouse-A must be reconnected"
    ]
    assert mail.outbox[0].to == [admin.email]

    # Another eBay user changes nothing; the right one heals it.
    page.locator("#notices").get_by_role("link", name="Warehouse-A must be reconnected").click()
    page.get_by_role("button", name="Reconnect", exact=True).click()
    agree(page, seller=1)
    expect(page.locator("body")).to_contain_text("nothing was changed")
    page.goto(home)
    page.get_by_role("button", name="Reconnect", exact=True).click()
    agree(page)
    expect(page.locator("body")).to_contain_text("Warehouse-A is connected")
    page.goto("/admin/")
    expect(page.locator("#notices")).to_have_count(0)
    assert Notice.objects.get().closed_at is not None
    assert EbayToken.objects.get().consent_version == 2

    # It goes, with all its data, and the page tells how far that is.
    page.goto(home)
    page.get_by_role("link", name="Disconnect").click()
    page.get_by_label("Delete the data.").check()
    page.get_by_label("To delete, type the house name").fill("Warehouse-A")
    page.get_by_role("button", name="Disconnect").click()
    expect(page.locator("body")).to_contain_text("Queued")
    assert delete_account_data(account.pk) is True
    expect(page.locator("[data-progress]")).to_contain_text("(100 %)", timeout=LATER_MS)
    assert not EbayAccount.objects.exists()
    assert not NoticeMail.objects.filter(state="waiting", next_attempt_at__lte=F("created_at")).exists()
