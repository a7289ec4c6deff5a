"""Faults on demand: which calls they hit, how often, and what eBay then answers."""

import re
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any, Literal, get_args

from ebayconnector.simulator.json_types import JsonObject

FaultKind = Literal[
    "expired_token", "rate_limited", "server_error", "unavailable", "slow", "drip", "cut", "reset",
    "malformed_json", "wrong_content_type", "empty_body", "status", "replace_body", "poison",
]  # fmt: skip
FAULT_KINDS: tuple[str, ...] = get_args(FaultKind)

# eBay did the work and the answer was lost or late; the others strike before the handler runs.
AFTER_KINDS = frozenset({"slow", "drip", "cut", "reset"})


@dataclass(slots=True)
class Fault:
    """`remaining` None means for ever; `skip` calls pass first; `before` strikes before the handler runs;
    `chance` is the part of the calls that it hits, drawn anew for each.
    """

    id: int
    path: re.Pattern[str]
    kind: FaultKind
    method: str | None
    seller: str | None
    remaining: int | None
    skip: int
    before: bool
    status: int | None
    code: int | None
    retry_after: int | None
    delay_s: float
    body: Any
    contains: str | None = None
    chance: float = 1.0
    hits: int = 0

    def wants(self, method: str, subject: str, seller: str | None) -> bool:
        if self.method is not None and self.method != method:
            return False
        if self.seller is not None and self.seller != seller:
            return False
        return self.path.search(subject) is not None

    def as_json(self) -> JsonObject:
        return {
            "id": self.id,
            "path": self.path.pattern,
            "method": self.method,
            "seller": self.seller,
            "kind": self.kind,
            "remaining": self.remaining,
            "skip": self.skip,
            "chance": self.chance,
            "hits": self.hits,
        }


@dataclass(slots=True)
class Faults:
    rules: list[Fault] = field(default_factory=list)
    _ids: "count[int]" = field(default_factory=lambda: count(1))
    _source: Random = field(default_factory=lambda: Random(1))

    def next_id(self) -> int:
        return next(self._ids)

    def strike(self, method: str, subject: str, seller: str | None) -> Fault | None:
        """The first rule that hits this call, counted; None when all is well."""
        for fault in self.rules:
            if fault.kind == "poison" or not fault.wants(method, subject, seller):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            if fault.chance < 1 and self._source.random() >= fault.chance:
                continue
            self._count(fault)
            return fault
        return None

    def poison_in(self, body: bytes, method: str, subject: str, seller: str | None) -> Fault | None:
        """The rule whose record this answer would hold: eBay fails on it, whatever the page."""
        for fault in self.rules:
            if fault.kind != "poison" or not fault.wants(method, subject, seller):
                continue
            if (fault.contains or "").encode() in body:
                self._count(fault)
                return fault
        return None

    def _count(self, fault: Fault) -> None:
        fault.hits += 1
        if fault.remaining is not None:
            fault.remaining -= 1
            if fault.remaining <= 0:
                self.rules.remove(fault)

    def remove(self, fault_id: int | None) -> int:
        """Drop one rule, or all with None; answers how many."""
        kept = [] if fault_id is None else [fault for fault in self.rules if fault.id != fault_id]
        removed = len(self.rules) - len(kept)
        self.rules = kept
        return removed
