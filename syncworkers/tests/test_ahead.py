"""What is asked for before it is read: pages of slices whose totals are known one by one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from ebayconnector.ebay.client import BegunCall
from ebayconnector.ebay.paging import offset_pages
from syncworkers.ranges import Span
from syncworkers.services.ahead import ask_ahead
from syncworkers.windows import PAGES_PER_SLICE, parts_needed

LIMIT = 10
START = datetime(2026, 1, 1, tzinfo=UTC)
TOO_LONG = PAGES_PER_SLICE * (LIMIT - 1) + 1


class Slices:
    """As many slices of a day as are wanted, newest first. `asked`: (slice, page), the page from 0.

    `totals`: of those whose first page has come.
    """

    def __init__(self, count: int, **more: Any) -> None:
        self.spans = [Span(START - timedelta(days=n), START - timedelta(days=n - 1)) for n in range(count)]
        self.asked: list[tuple[Span, int]] = []
        self.totals: dict[Span, int] = {}
        windows = SimpleNamespace(pages=self.pages, page_limit=LIMIT, longest=None, **more)
        table = SimpleNamespace(from_bytes=None)
        worker = SimpleNamespace(table=table)
        self.context: Any = SimpleNamespace(
            begun={}, client=None, windows=windows, worker=worker, fenced_at=START
        )

    def pages(self, client, *, modified_from, modified_to, limit, overlap):
        span = Span(modified_from, modified_to)
        return offset_pages(
            lambda offset, limit: pytest.fail("read"), items_key="orders", limit=limit, overlap=overlap,
            begin=partial(self.begin, span),
        )  # fmt: skip

    def begin(self, span: Span, offset: int, limit: int) -> BegunCall:
        self.asked.append((span, offset // (LIMIT - 1)))
        return BegunCall(
            lambda: pytest.fail("waited"),
            lambda: {"total": self.totals[span]} if span in self.totals else None,
        )

    def ask(self, most: int) -> list[tuple[Span, int]]:
        """Those asked for now."""
        before = len(self.asked)
        ask_ahead(self.context, self.spans, most, LIMIT)
        return self.asked[before:]


def test_of_slices_of_which_nothing_is_known_the_first_pages_of_three():
    slices = Slices(4)
    assert slices.ask(12) == [(span, 0) for span in slices.spans[:3]]
    assert slices.ask(12) == []


def test_of_a_slice_that_is_known_all_its_pages_and_then_the_next_ones():
    slices = Slices(5)
    first, second, third, fourth, fifth = slices.spans
    slices.ask(12)
    slices.totals[first] = 2 * (LIMIT - 1) + 2
    assert slices.ask(12) == [(first, 1), (first, 2), (fourth, 0)]
    slices.totals |= {second: 0, third: 1}
    assert slices.ask(12) == [(fifth, 0)]


@pytest.mark.parametrize("most", [-1, 0, 1, 2, 3, 4, 5])
def test_no_more_than_wanted_are_on_their_way_and_a_first_page(most):
    slices = Slices(5)
    slices.totals = dict.fromkeys(slices.spans, 2 * (LIMIT - 1))
    for _ in range(5):
        slices.ask(most)
    assert len(slices.asked) in ({max(most, 0)} if most < 2 else {most, most + 1})


def test_of_a_slice_that_is_too_long_its_parts_from_the_newest_on():
    slices = Slices(3)
    whole, older, oldest = slices.spans
    slices.ask(1)
    slices.totals[whole] = TOO_LONG
    parts = whole.split(parts_needed(TOO_LONG, LIMIT))
    assert len(parts) == 2
    assert slices.ask(12) == [(parts[1], 0), (parts[0], 0), (older, 0)]
    slices.totals |= {parts[1]: TOO_LONG, parts[0]: 5}
    newest = parts[1].split(2)
    assert slices.ask(12) == [(newest[1], 0), (newest[0], 0)]
    slices.totals |= dict.fromkeys(newest, 12)
    assert slices.ask(12) == [(newest[1], 1), (newest[0], 1), (oldest, 0)]


def test_what_ebay_would_refuse_is_not_asked_for():
    slices = Slices(2)
    slices.context.windows.longest = timedelta(hours=23)
    assert slices.ask(12) == []


def test_of_what_is_read_page_by_page_nothing():
    slices = Slices(2)
    slices.context.windows.pages = lambda client, **window: iter(())
    assert slices.ask(12) == []
    assert slices.context.begun == {}
