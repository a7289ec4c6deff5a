"""The tables of this app, by subject."""

from .attempts import BackgroundWorker, ConnectLog, RefreshCycle, RefreshTrigger, TokenRefreshLog
from .consent import ApplicationToken, ConnectTicket, EbayToken, ScopeDefinition
from .keys import SigningKey, SigningKeyLease
from .limits import ApiPause, ApiQuota
from .processes import ProcessHeartbeat

__all__ = [
    "ApiPause",
    "ApiQuota",
    "ApplicationToken",
    "BackgroundWorker",
    "ConnectLog",
    "ConnectTicket",
    "EbayToken",
    "ProcessHeartbeat",
    "RefreshCycle",
    "RefreshTrigger",
    "ScopeDefinition",
    "SigningKey",
    "SigningKeyLease",
    "TokenRefreshLog",
]
