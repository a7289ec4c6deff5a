"""The tables of this app, by subject."""

from .executors import ExecutorClock
from .groups import GroupPolicy, SnipeGroup
from .settings import SniperLimit, SniperSwitch
from .snipes import (
    COMMITTED,
    FINAL,
    LIVE,
    AttemptOutcome,
    Snipe,
    SnipeAttempt,
    SnipeEvent,
    SnipeReason,
    SnipeStatus,
    TokenKind,
)

__all__ = [
    "COMMITTED",
    "FINAL",
    "LIVE",
    "AttemptOutcome",
    "ExecutorClock",
    "GroupPolicy",
    "Snipe",
    "SnipeAttempt",
    "SnipeEvent",
    "SnipeGroup",
    "SnipeReason",
    "SnipeStatus",
    "SniperLimit",
    "SniperSwitch",
    "TokenKind",
]
