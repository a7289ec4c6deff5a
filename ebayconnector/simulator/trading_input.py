"""Inputs of Trading calls. What eBay does not know it ignores, in silence: there is no check for that here.

A word where the schema wants a number, a time or a member of an enumeration is code 5, a value out of its
range code 37, a missing one 10009 (which code eBay answers to which mistake is unverified).
"""

from collections.abc import Collection
from dataclasses import dataclass

from ebayconnector.simulator.json_types import JsonObject
from ebayconnector.simulator.times import parse_iso
from ebayconnector.simulator.trading_errors import (
    BAD_INPUT,
    BAD_XML,
    MISSING_INPUT,
    PAGE_OUT_OF_RANGE,
    Problem,
    TradingFailure,
)
from ebayconnector.simulator.trading_xml import TradingCall

ENTRIES_MOST = 200  # 03 §3.1

_FLAGS = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class Page:
    entries: int
    number: int

    @property
    def start(self) -> int:
        return (self.number - 1) * self.entries

    @property
    def stop(self) -> int:
        return self.start + self.entries

    def result(self, total: int) -> JsonObject:
        """PaginationResult. Raises TradingFailure 340 for a page behind the last one (03 §3.2)."""
        pages = -(-total // self.entries)
        if self.number > max(1, pages):
            raise TradingFailure(Problem(PAGE_OUT_OF_RANGE, (str(self.number),)))
        return {"TotalNumberOfPages": pages, "TotalNumberOfEntries": total}


class Inputs:
    """Reads the inputs of one call; `check` raises TradingFailure with all that was wrong with them."""

    def __init__(self, call: TradingCall) -> None:
        self.call = call
        self._problems: list[Problem] = []

    def wrong(self, code: int, path: str) -> None:
        self._problems.append(Problem(code, (path,)))

    def check(self) -> None:
        if self._problems:
            raise TradingFailure(*self._problems)

    def choice(self, path: str, known: Collection[str], default: str | None = None) -> str:
        """A member of an enumeration; required when there is no default. Empty when it was wrong."""
        text = self.call.text(path) or default
        if text is None:
            self.wrong(MISSING_INPUT, path)
        elif text not in known:
            self.wrong(BAD_XML, path)
        else:
            return text
        return ""

    def flag(self, path: str, default: bool) -> bool:
        text = self.call.text(path)
        if text is not None and text not in _FLAGS:
            self.wrong(BAD_XML, path)
        return default if text is None else _FLAGS.get(text, default)

    def whole(self, path: str, default: int, *, least: int, most: int) -> int:
        text = self.call.text(path)
        if text is None:
            return default
        if not text.removeprefix("-").isdecimal() or len(text) > 18:
            self.wrong(BAD_XML, path)
            return default
        if not least <= int(text) <= most:
            self.wrong(BAD_INPUT, path)
        return int(text)

    def time(self, path: str) -> int | None:
        text = self.call.text(path)
        at_ms = None if text is None else parse_iso(text)
        if text is not None and at_ms is None:
            self.wrong(BAD_XML, path)
        return at_ms

    def page(self, container: str, *, default: int) -> Page:
        entries = self.whole(f"{container}/EntriesPerPage", default, least=1, most=ENTRIES_MOST)
        return Page(entries, self.whole(f"{container}/PageNumber", 1, least=1, most=10**9))

    def wants(self, container: str) -> bool:
        """Whether a list of My eBay is asked for: by name unless `Include` is false, or by ReturnAll."""
        if not self.call.has(container):
            return "ReturnAll" in self.call.texts("DetailLevel")
        return self.flag(f"{container}/Include", True)
