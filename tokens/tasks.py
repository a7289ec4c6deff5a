"""django-q2 jobs of the `tokens` cluster. Arguments are ids."""

from __future__ import annotations

from .allowances import allowances
from .services import cycle, health, rate_limits, signing_setup


def start_refresh_cycle() -> int:
    """The schedule's own cycle."""
    return cycle.start_cycle(scheduled=True).pk


def refresh_chunk(cycle_id: int, number: int, account_ids: list[int]) -> None:
    try:
        cycle.run_chunk(cycle_id, number, account_ids)
    finally:
        allowances().give_back()


def start_key_renewal() -> None:
    """The schedule's own; eBay is called by the `tokens` cluster."""
    signing_setup.queue_renewal()


def renew_signing_keys() -> dict[str, str]:
    return signing_setup.renew_signing_keys()


def start_rate_limit_readings() -> list[str]:
    """The schedule's: one job for each environment."""
    return rate_limits.ask_for_readings()


def read_rate_limits(environment: str, refused_api: str = "") -> int:
    """How many of our quotas eBay told of."""
    try:
        return len(rate_limits.read_rate_limits(environment, refused_api))
    finally:
        allowances().give_back()


def start_health_checks() -> int:
    """The schedule's: how many accounts nothing has shown to be well within the hour."""
    return health.start_probes()


def probe_accounts(account_ids: list[int]) -> int:
    try:
        return health.probe_accounts(account_ids)
    finally:
        allowances().give_back()
