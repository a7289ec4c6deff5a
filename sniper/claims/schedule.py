"""What an executor has to know of the snipes that are near."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from .sql import Connection


@dataclass(slots=True)
class Row:
    """One live snipe as it was read. `attempts` counts those recorded."""

    id: int
    account_id: int
    organization_id: int
    environment: str
    group_id: int | None
    rest_item_id: str
    item_id: str
    marketplace_id: str
    adult_only: bool
    currency: str
    maximum: Decimal
    end_time: datetime
    fire_at: datetime
    status: str
    owner: str
    paper: bool
    trouble: str
    attempts: int
    check_at: datetime | None


_READ = """
SELECT s.id, s.account_id, a.organization_id, a.environment, s.group_id, s.rest_item_id, s.item_id,
       s.marketplace_id, s.adult_only, s.currency, s.max_bid_amount, s.end_time, s.fire_at, s.status, s.owner,
       s.paper, s.trouble, (SELECT count(*) FROM ebay_snipe_attempts t WHERE t.snipe_id = s.id), s.check_at
FROM ebay_snipes s JOIN ebay_accounts a ON a.id = s.account_id
WHERE s.status IN ('scheduled', 'arming', 'firing', 'resolving', 'bidding')
"""


def read_near(connection: Connection, horizon: timedelta) -> list[Row]:
    """Live snipes due within the horizon, and all that are due already, in the order of their moments."""
    sql = _READ + "AND s.fire_at <= clock_timestamp() + %s ORDER BY s.fire_at, s.id"
    return [Row(*row) for row in connection.execute(sql, [horizon])]


def read_some(connection: Connection, snipe_ids: Sequence[int]) -> list[Row]:
    """Of these, those that live."""
    return [Row(*row) for row in connection.execute(_READ + "AND s.id = ANY(%s)", [list(snipe_ids)])]
