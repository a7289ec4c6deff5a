"""How the simulated Trading API behaves where eBay's documents leave it open."""

from dataclasses import dataclass
from typing import Literal, get_args

UnknownMessage = Literal["partial", "omitted"]
UNKNOWN_MESSAGE_RULES: tuple[str, ...] = get_args(UnknownMessage)
BeyondEnd = Literal["empty", "error"]
BEYOND_END_RULES: tuple[str, ...] = get_args(BeyondEnd)
MailSort = Literal["newest_first", "oldest_first"]
MAIL_SORTS: tuple[str, ...] = get_args(MailSort)
CeilingTotals = Literal["all", "capped"]
CEILING_TOTALS: tuple[str, ...] = get_args(CeilingTotals)


@dataclass(frozen=True, slots=True)
class TradingSettings:
    """`unknown_message`: an id of nobody among others is reported (PartialFailure) or left out in silence.

    `messages_beyond_end`: a page behind the last message has no messages, or fails with 340. `active_ceiling`
    is the number of listings that ActiveList can reach, `ceiling_totals` whether its totals admit that.
    `selling_calls` GetMyeBaySelling allows each user in fifteen seconds of the clock (03 §0, 18).
    """

    unknown_message: UnknownMessage = "partial"
    messages_beyond_end: BeyondEnd = "empty"
    messages_sort: MailSort = "newest_first"
    active_ceiling: int = 25_000
    ceiling_totals: CeilingTotals = "all"
    selling_calls: int = 300
