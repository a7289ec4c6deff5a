"""eBay's own numbers of our quotas (getRateLimits, 03 §11): limit, reset, and a correction of our count.

eBay's count lags, by more than ten minutes as was seen in public, and includes what others do with the same
keyset. So it raises ours and never lowers it: fewer calls than we know of were not made. Only when eBay's day
has turned and ours has not, its count replaces ours.
"""

from __future__ import annotations

import logging

from accounts.models import EbayAccount
from ebayconnector.database import execute
from ebayconnector.ebay.analytics import rate_limits
from tokens import wire
from tokens.allowances import QuotaKey, ensure_row
from tokens.quotas import Reported, reported_quotas

from . import pauses
from .clients import application_client_for

logger = logging.getLogger(__name__)

# eBay's count may contain calls that processes hold for us: both together are not added up, or every reading
# would add them again. A reset ten minutes later than ours is another day's.
_SAVE = """
WITH row AS (
  SELECT *, clock_timestamp() AS now, COALESCE(%(reset_at)s, reset_at) AS ebay_reset_at
  FROM tokens_apiquota
  WHERE environment = %(environment)s AND client_id = %(client_id)s AND api = %(api)s
  FOR UPDATE
), judged AS (
  SELECT *, ebay_reset_at <= now AS is_old, reset_at <= now AS is_over,
         reset_at <= now OR ebay_reset_at > reset_at + interval '10 minutes' AS turned
  FROM row
)
UPDATE tokens_apiquota q SET
  daily_limit = %(limit)s, reported_count = %(count)s, reported_at = j.now,
  reset_at = CASE WHEN is_old THEN j.reset_at ELSE ebay_reset_at END,
  made = CASE WHEN is_old THEN j.made
              WHEN turned THEN %(count)s
              ELSE greatest(j.made, %(count)s - j.held - j.held_before) END,
  history_used = CASE WHEN turned AND NOT is_old THEN 0 ELSE j.history_used END,
  held = CASE WHEN is_over AND NOT is_old THEN 0 ELSE j.held END,
  held_before = CASE WHEN is_over AND NOT is_old THEN 0 ELSE j.held_before END
FROM judged j WHERE q.id = j.id
"""


def ask_for_readings() -> list[str]:
    """Queue a reading for each environment that has accounts; returns their names."""
    active = EbayAccount.objects.filter(is_active=True).order_by("environment")
    environments = list(active.values_list("environment", flat=True).distinct())
    for environment in environments:
        pauses.ask_for_reading(environment)
    return environments


def read_rate_limits(environment: str, refused_api: str = "") -> dict[str, Reported]:
    """Ask eBay for the application's quotas and keep the answer; returns it by our names.

    An API that eBay has just refused (429, 518), and whose quota is used up by eBay's word, is paused until
    the reset. Raises EbayError and the errors of application tokens; no transaction may be open.
    """
    found = reported_quotas(rate_limits(application_client_for(environment, source="rate_limits")))
    for api, reported in found.items():
        keep(wire.quota_key(environment, api), reported)
    refused = found.get(refused_api)
    if refused and refused.remaining == 0 and refused.reset_at:
        pauses.pause_until(environment, refused_api, refused.reset_at, "eBay's daily quota is used up")
    logger.info("rate limits of %s: %s", environment, {api: one.remaining for api, one in found.items()})
    return found


def keep(key: QuotaKey, reported: Reported) -> None:
    """Correct our row of the quota by what eBay says."""
    ensure_row(key)
    execute(
        _SAVE,
        {
            "environment": key.environment,
            "client_id": key.client_id,
            "api": key.api,
            "limit": reported.limit,
            "count": reported.count,
            "reset_at": reported.reset_at,
        },
    )
