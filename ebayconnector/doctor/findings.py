"""What the doctor says: one finding per thing that was looked at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from accounts.models import EbayAccount


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """`what` was looked at, `detail` is how it is, `advice` what to do ('' when there is nothing to do)."""

    level: Level
    what: str
    detail: str
    advice: str = ""


def name_of(account: EbayAccount) -> str:
    """House names repeat between organisations."""
    return f"{account.house_name} (id {account.pk})"


def environments_in_use() -> list[str]:
    """Those that active accounts are in."""
    names = EbayAccount.objects.filter(is_active=True).values_list("environment", flat=True)
    return sorted(set(names))
