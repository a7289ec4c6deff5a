"""The tables of this app, by subject."""

from .attempts import BackgroundWorker, ConnectLog, RefreshCycle, RefreshTrigger, TokenRefreshLog
from .consent import ApplicationToken, ConnectTicket, EbayToken, ScopeDefinition
from .limits import ApiPause
from .processes import ProcessHeartbeat

__all__ = [
    "ApiPause",
    "ApplicationToken",
    "BackgroundWorker",
    "ConnectLog",
    "ConnectTicket",
    "EbayToken",
    "ProcessHeartbeat",
    "RefreshCycle",
    "RefreshTrigger",
    "ScopeDefinition",
    "TokenRefreshLog",
]
