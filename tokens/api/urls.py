"""Routes of accounts and tokens."""

from __future__ import annotations

from accounts.api.routing import Route

from .accounts import AccountDetail, AccountList, AccountReconnect, AccountRefresh
from .administration import RefreshDebug, RefreshLogs, RunCycleOnce, ScheduleStatus, Terminal, TokenStatusList
from .health import CheckHealth, HealthChecks

_ACCOUNT = "ebay-accounts/<int:account_id>/"

routes = [
    Route("ebay-accounts/", AccountList, "api-accounts", without_api=True),
    Route(_ACCOUNT, AccountDetail, "api-account", without_api=True),
    Route(f"{_ACCOUNT}reconnect", AccountReconnect, "api-account-reconnect", without_api=True),
    Route(f"{_ACCOUNT}health-check", CheckHealth, "api-account-health-check", without_api=True),
    Route(f"{_ACCOUNT}health-checks", HealthChecks, "api-account-health-checks", without_api=True),
    Route(f"{_ACCOUNT}refresh-token", AccountRefresh, "api-account-refresh", without_api=True),
    Route("admin/ebay/tokens/status", TokenStatusList, "api-tokens-status"),
    Route("admin/ebay/tokens/terminal-logs", Terminal, "api-tokens-terminal"),
    Route("admin/ebay/tokens/logs/<int:account_id>", RefreshLogs, "api-tokens-logs"),
    Route("admin/ebay/token/refresh-debug", RefreshDebug, "api-token-refresh-debug"),
    Route("admin/ebay/workers/token-refresh/run-once", RunCycleOnce, "api-refresh-run-once"),
    Route("admin/workers/token-refresh/status", ScheduleStatus, "api-refresh-status"),
]
