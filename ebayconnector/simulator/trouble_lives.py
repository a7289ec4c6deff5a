"""The lives of inquiries, cases, returns and payment disputes: which step may follow which, and how soon.

The enumerations are those of 03 §4.3 and §7 and of eBay's type pages; how likely and how soon is made up.
"""

from collections.abc import Collection
from dataclasses import dataclass
from random import Random
from typing import Literal, get_args

from ebayconnector.simulator.times import HOUR_MS, MINUTE_MS, SECOND_MS

Family = Literal["inquiry", "case", "return", "dispute"]
FAMILIES: tuple[Family, ...] = get_args(Family)

OPEN, CLOSE, ESCALATE, CASE_CLOSED, APPEAL = "open", "close", "escalate", "case_closed", "appeal"
WIN, LOSE = "win", "lose"

BUYER, SELLER, SYSTEM, AGENT = "BUYER", "SELLER", "SYSTEM", "CS_AGENT"


@dataclass(frozen=True, slots=True)
class Next:
    """A step that may follow: its weight among the others, and after how many hours."""

    name: str
    weight: float
    from_h: float
    to_h: float


@dataclass(frozen=True, slots=True)
class StepKind:
    """One step of a life.

    `status`: what the record shows after it. `state`: the finer enum of returns and inquiries, empty where
    the step leaves it as it was. `waits`: whose answer is due then, `due`: which activity that would be.
    Nothing follows by itself where `then` is empty.
    """

    name: str
    status: str
    actor: str
    activity: str
    state: str = ""
    waits: str | None = None
    due: str = ""
    ends: bool = False
    then: tuple[Next, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    at_ms: int
    kind: StepKind


def _table(*kinds: StepKind) -> dict[str, StepKind]:
    return {kind.name: kind for kind in kinds}


_INQUIRY = _table(
    StepKind(OPEN, "OPEN", BUYER, "CREATE_INQUIRY", "CREATED", SELLER, then=(Next("ask", 1, 1, 6),)),
    StepKind(
        "ask", "WAITING_SELLER_RESPONSE", SYSTEM, "NOTIFY_SELLER", "CREATED", SELLER,
        then=(Next("track", 0.45, 6, 60), Next("refund", 0.25, 6, 60), Next(ESCALATE, 0.3, 72, 96)),
    ),
    StepKind(
        "track", "WAITING_BUYER_RESPONSE", SELLER, "PROVIDE_SHIPMENT_INFO", "CREATED", BUYER,
        then=(
            Next(CLOSE, 0.6, 24, 96), Next(ESCALATE, 0.25, 48, 96),
            Next("cs_close", 0.1, 72, 120), Next("hold", 0.05, 24, 48),
        ),
    ),
    StepKind("hold", "PENDING", SYSTEM, "HOLD", "ON_HOLD_FOR_UPLOAD", then=(Next(CLOSE, 1, 24, 72),)),
    StepKind(
        "refund", "WAITING_BUYER_RESPONSE", SELLER, "ISSUE_REFUND", "FULL_REFUND_AGREED", BUYER,
        then=(Next(CLOSE, 1, 12, 72),),
    ),
    StepKind(CLOSE, "CLOSED", BUYER, "CLOSE_INQUIRY", "CLOSED", ends=True),
    StepKind("cs_close", "CS_CLOSED", AGENT, "CLOSE_INQUIRY", "CLOSED", ends=True),
    StepKind(ESCALATE, "CLOSED_WITH_ESCALATION", BUYER, "ESCALATE_INQUIRY", "CLOSED", ends=True),
)  # fmt: skip

_CASE = _table(
    StepKind(
        OPEN, "OPEN", BUYER, "CREATE_CASE", waits=SELLER,
        then=(
            Next("to_cs", 0.4, 48, 72), Next(CLOSE, 0.25, 12, 60), Next("delivery", 0.2, 12, 48),
            Next("refund_failed", 0.1, 12, 48), Next("hold", 0.05, 24, 48),
        ),
    ),
    StepKind("to_cs", "WAITING_CS", SYSTEM, "SEND_TO_CS", then=(Next("cs_close", 1, 48, 240),)),
    StepKind(
        "delivery", "WAITING_DELIVERY", SELLER, "PROVIDE_SHIPMENT_INFO", waits=BUYER,
        then=(Next(CLOSE, 0.8, 72, 168), Next("to_cs", 0.2, 120, 168)),
    ),
    StepKind(
        "refund_failed", "REFUND_AGREED_BUT_FAILED", SELLER, "REFUND_FAILED", waits=SELLER,
        then=(Next(CLOSE, 1, 24, 72),),
    ),
    StepKind("hold", "ON_HOLD", AGENT, "HOLD_CASE", then=(Next("to_cs", 1, 24, 72),)),
    StepKind(CLOSE, "CLOSED", SELLER, "ISSUE_REFUND", ends=True),
    StepKind("cs_close", "CS_CLOSED", AGENT, "CLOSE_CASE", ends=True),
    StepKind(APPEAL, "CS_CLOSED", SELLER, "APPEAL_CASE_DECISION", ends=True),  # never by itself
)  # fmt: skip

_RETURN = _table(
    StepKind(
        OPEN, "RETURN_REQUESTED", BUYER, "BUYER_CREATE_RETURN", "RETURN_REQUESTED",
        SELLER, "SELLER_APPROVE_REQUEST",
        then=(
            Next("approve", 0.6, 4, 60), Next("offer", 0.15, 4, 48),
            Next(CLOSE, 0.1, 12, 72), Next(ESCALATE, 0.15, 72, 96),
        ),
    ),
    StepKind(
        "approve", "READY_FOR_SHIPPING", SELLER, "SELLER_APPROVE_REQUEST", "ITEM_READY_TO_SHIP",
        BUYER, "BUYER_PROVIDE_TRACKING_INFO",
        then=(Next("ship", 0.85, 12, 96), Next(CLOSE, 0.15, 120, 240)),
    ),
    StepKind(
        "ship", "ITEM_SHIPPED", BUYER, "BUYER_PROVIDE_TRACKING_INFO", "ITEM_SHIPPED",
        then=(Next("deliver", 1, 48, 144),),
    ),
    StepKind(
        "deliver", "ITEM_DELIVERED", SYSTEM, "NOTIFIED_DELIVERED", "ITEM_DELIVERED",
        SELLER, "SELLER_ISSUE_REFUND",
        then=(Next("refund", 0.9, 4, 48), Next(ESCALATE, 0.1, 72, 96)),
    ),
    StepKind("refund", "CLOSED", SELLER, "SELLER_ISSUE_REFUND", "CLOSED", ends=True),
    StepKind(
        "offer", "PARTIAL_REFUND_REQUESTED", SELLER, "SELLER_OFFER_PARTIAL_REFUND",
        "PARTIAL_REFUND_REQUESTED", BUYER, "BUYER_ACCEPTS_PARTIAL_REFUND",
        then=(Next("accept", 0.6, 4, 48), Next("decline", 0.4, 4, 48)),
    ),
    StepKind(
        "accept", "LESS_THAN_A_FULL_REFUND_ISSUED", BUYER, "BUYER_ACCEPTS_PARTIAL_REFUND",
        "LESS_THAN_A_FULL_REFUND_ISSUED", then=(Next("settle", 1, 12, 48),),
    ),
    StepKind(
        "decline", "PARTIAL_REFUND_DECLINED", BUYER, "BUYER_DECLINE_PARTIAL_REFUND",
        "PARTIAL_REFUND_DECLINED", SELLER, "SELLER_APPROVE_REQUEST",
        then=(Next("approve", 0.6, 4, 60), Next(ESCALATE, 0.4, 24, 96)),
    ),
    StepKind(CLOSE, "CLOSED", BUYER, "BUYER_CLOSE_RETURN", "CLOSED", ends=True),
    StepKind("settle", "CLOSED", SYSTEM, "SYSTEM_CLOSE_RETURN", "CLOSED", ends=True),
    StepKind(ESCALATE, "ESCALATED", BUYER, "BUYER_ESCALATE"),  # its case decides how it ends
    StepKind(CASE_CLOSED, "CLOSED", SYSTEM, "SYSTEM_CLOSE_RETURN", "CLOSED", ends=True),
)  # fmt: skip

_DISPUTE = _table(
    StepKind(
        OPEN, "ACTION_NEEDED", BUYER, "DISPUTE_OPENED", waits=SELLER,
        then=(Next("contest", 0.65, 6, 72), Next("accept", 0.2, 6, 96), Next("overdue", 0.15, 120, 168)),
    ),
    StepKind(
        "contest", "OPEN", SELLER, "SELLER_CONTEST",
        then=(Next("evidence", 0.6, 1, 12), Next("ask", 0.4, 24, 96)),
    ),
    StepKind(
        "ask", "ACTION_NEEDED", AGENT, "ADDITIONAL_EVIDENCE_REQUEST", waits=SELLER,
        then=(Next("evidence", 0.8, 12, 96), Next("overdue", 0.2, 120, 168)),
    ),
    StepKind("evidence", "OPEN", SELLER, "EVIDENCE_PROVIDED", then=(Next("defend", 1, 24, 96),)),
    StepKind(
        "defend", "OPEN", SYSTEM, "DEFENCE_EXECUTED",
        then=(Next(WIN, 0.5, 120, 480), Next(LOSE, 0.5, 120, 480)),
    ),
    StepKind("overdue", "ACTION_NEEDED", SYSTEM, "EVIDENCE_REQUEST_OVERDUE", then=(Next(LOSE, 1, 12, 48),)),
    StepKind("accept", "OPEN", SELLER, "SELLER_ACCEPT", then=(Next(CLOSE, 1, 1, 24),)),
    StepKind(WIN, "CLOSED", SYSTEM, "DISPUTE_CLOSED", ends=True),
    StepKind(LOSE, "CLOSED", SYSTEM, "DISPUTE_CLOSED", ends=True),
    StepKind(CLOSE, "CLOSED", SYSTEM, "DISPUTE_CLOSED", ends=True),
)  # fmt: skip

LIVES: dict[Family, dict[str, StepKind]] = {
    "inquiry": _INQUIRY,
    "case": _CASE,
    "return": _RETURN,
    "dispute": _DISPUTE,
}


def statuses(family: Family) -> frozenset[str]:
    """Every status that a record of the family can show."""
    return frozenset(kind.status for kind in LIVES[family].values())


def likely_next(source: Random, kind: StepKind, without: Collection[str] = ()) -> Next | None:
    """What follows a step in life; None when nothing does by itself."""
    choices = [one for one in kind.then if one.name not in without]
    if not choices:
        return None
    return source.choices(choices, [one.weight for one in choices])[0]


def onwards(source: Random, family: Family, last: Step, without: Collection[str] = ()) -> list[Step]:
    """How a life goes on after a step, up to its end; times are whole seconds."""
    steps: list[Step] = []
    while (following := likely_next(source, last.kind, without)) is not None:
        minutes = source.uniform(following.from_h, following.to_h) * HOUR_MS // MINUTE_MS
        at_ms = (last.at_ms + int(minutes) * MINUTE_MS) // SECOND_MS * SECOND_MS
        last = Step(at_ms + source.randrange(60) * SECOND_MS, LIVES[family][following.name])
        steps.append(last)
    return steps
