"""What a look at the money says: lines with amounts, and whether they agree with each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum

ZERO = Decimal(0)


class Verdict(Enum):
    """From good to bad.

    RECONCILES: all numbers agree. WAITING: something is still to come, the rest agrees. UNKNOWN: it cannot be
    told. DIFFERS: numbers that must be equal are not.
    """

    RECONCILES = "reconciles"
    WAITING = "waiting"
    UNKNOWN = "unknown"
    DIFFERS = "differs"

    @property
    def label(self) -> str:
        return _LABELS[self]


_LABELS = {
    Verdict.RECONCILES: "reconciles",
    Verdict.WAITING: "waiting for more",
    Verdict.UNKNOWN: "cannot tell",
    Verdict.DIFFERS: "differs",
}
_SEVERITY = list(Verdict)


@dataclass(frozen=True)
class Finding:
    """One sentence about what does not agree, or cannot be known."""

    verdict: Verdict
    text: str


@dataclass(frozen=True)
class Line:
    """An amount, signed as seen from the seller's money.

    `kind`: order_total, tax, sale, refund, label, dispute, credit, charge, transfer, other, fee, net,
    paid_out, open or payout. `is_sum`: a total, not a part of one.
    """

    kind: str
    words: str
    amount: Decimal | None
    currency: str
    is_sum: bool = False


@dataclass(frozen=True)
class PaidOut:
    """How much of an order is in which payout; `status` is '' while the payout itself is not stored."""

    payout_id: str
    status: str
    paid_at: datetime | None
    amount: Decimal
    currency: str


@dataclass(frozen=True)
class Statement:
    """`payouts`: where an order's money went; empty for a payout."""

    lines: Sequence[Line]
    findings: Sequence[Finding]
    payouts: Sequence[PaidOut] = ()

    @property
    def verdict(self) -> Verdict:
        """The worst of the findings."""
        found = [finding.verdict for finding in self.findings]
        return max(found, key=_SEVERITY.index, default=Verdict.RECONCILES)


def money_text(amount: Decimal | None, currency: str) -> str:
    """`1,234.50 USD`; more than two decimals only where they are not zero."""
    if amount is None:
        return "unknown"
    # `+ 0` turns a negative zero into zero.
    text = f"{amount + 0:,.2f}" if amount == round(amount, 2) else f"{amount.normalize():,f}"
    return f"{text} {currency}".rstrip()


def waiting(text: str) -> Finding:
    return Finding(Verdict.WAITING, text)


def unknown(text: str) -> Finding:
    return Finding(Verdict.UNKNOWN, text)


def differs(text: str) -> Finding:
    return Finding(Verdict.DIFFERS, text)


def difference(one: Decimal, other: Decimal, currency: str) -> str:
    """`by 0.20 USD`."""
    return f"by {money_text(abs(one - other), currency)}"


def counted(number: int, what: str) -> str:
    """`1 transaction`, `1,204 transactions`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"
