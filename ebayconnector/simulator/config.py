"""What a simulator is started with."""

from dataclasses import dataclass
from typing import Literal, get_args

SortOrder = Literal["newest_first", "oldest_first", "by_id"]
SORT_ORDERS: tuple[str, ...] = get_args(SortOrder)


@dataclass(frozen=True, slots=True)
class SimulatorConfig:
    """`orders` is the number per seller; the two rates are per seller and minute of the simulator's clock.

    `sort` is the order of getOrders' rows, which eBay does not promise (03 §4.1). Without `reject_url` a
    declined consent goes to `accept_url`.
    """

    seed: int = 1
    orders: int = 400
    accept_url: str = "http://127.0.0.1:8000/ebay/connect/callback"
    reject_url: str | None = None
    arrivals_per_minute: float = 0.0
    changes_per_minute: float = 0.0
    sort: SortOrder = "newest_first"
    request_log_size: int = 10_000
