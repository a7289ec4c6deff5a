"""A real browser for tests. A missing one is a failure: what nobody looks at breaks unseen."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Error, Page, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_ARGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser process for the session; each test gets a context of its own from it."""
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        pytest.fail("the browser tests need Chromium: apt install chromium (or set CHROMIUM=/path/to/it)")
    # Playwright's loop runs in this thread, and Django takes that for asynchronous code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=path, args=_ARGS)
        except Error as failure:
            pytest.fail(f"{path} does not start: {failure}")
        yield browser
        browser.close()


@pytest.fixture
def browser_page(chromium: Browser, live_server, transactional_db) -> Iterator[Page]:
    """A page whose relative addresses lead to the live server. Errors of its scripts fail the test."""
    context = chromium.new_context(base_url=live_server.url, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(10_000)
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page
    context.close()
    assert not faults


@pytest.fixture
def at_home(live_server, settings, simulator):
    """eBay sends the browser back to this test's server."""
    settings.PUBLIC_URL = live_server.url
    simulator.post(
        "applications",
        client_id="SimulatorApp-SIM-0001",
        client_secret="SIM-secret-0001-not-a-real-key",
        runame="Simulator-RuName-1",
        accept_url=f"{live_server.url}/ebay/connect/callback",
    )
    return simulator
