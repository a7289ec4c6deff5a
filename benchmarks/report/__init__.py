"""Figures to words: for the terminal and the README, and the file for machines."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from . import bookkeeping, breakdown, goals, growth, loads, notices, pages, slow, sniping, tokens
from .machine import machine, machine_words

__all__ = ["machine", "text_of", "write"]

FOLDER = Path(__file__).resolve().parent.parent
RESULTS = FOLDER / "results"
README = FOLDER / "README.md"

_WORDS: Mapping[str, Callable[[Any], str]] = {
    "loads": loads.words,
    "slow": slow.words,
    "pages": pages.words,
    "memory": bookkeeping.memory_words,
    "tick": bookkeeping.tick_words,
    "accounting": bookkeeping.accounting_words,
    "tokens": tokens.words,
    "notices": notices.words,
    "sniping": sniping.words,
    "breakdown": breakdown.words,
    "large": loads.words,
    "growth": growth.words,
}


def text_of(results: Mapping[str, Any]) -> str:
    """The whole report in Markdown; parts that were not measured are left out, failed ones are named."""
    failed = "".join(f"**Failed: {name}.** " for name in results.get("failed", ())).strip()
    parts = [machine_words(results), failed, goals.words(results)]
    parts += [words(results[name]) for name, words in _WORDS.items() if name in results]
    return "\n\n".join(part for part in parts if part)


def write(results: Mapping[str, Any], text: str, *, big: bool) -> None:
    """A file under `results/`, and a block between markers in the README; the big parts have their own."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / ("big.json" if big else "last.json")).write_text(json.dumps(results, indent=1) + "\n")
    name = "big figures" if big else "figures"
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, _, rest = README.read_text().partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise ValueError(f"{README.name} has lost its markers {begin} and {end}")
    README.write_text(f"{before}{begin}\n{text}\n{end}{after}")
