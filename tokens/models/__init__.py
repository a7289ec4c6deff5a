"""The tables of this app, by subject."""

from .attempts import BackgroundWorker, ConnectLog, RefreshCycle, RefreshTrigger, TokenRefreshLog
from .consent import ApplicationToken, ConnectTicket, EbayToken, ScopeDefinition
from .deletion import AccountDeletion, DeletionStatus
from .health import CheckedBy, HealthCheck
from .inbox import InboundNotification, InboxStatus, NotificationKey, NotificationSetup
from .keys import SigningKey, SigningKeyLease
from .limits import ApiPause, ApiQuota
from .people import ErasedPerson, PersonIndex
from .processes import ProcessHeartbeat

__all__ = [
    "AccountDeletion",
    "ApiPause",
    "ApiQuota",
    "ApplicationToken",
    "BackgroundWorker",
    "CheckedBy",
    "ConnectLog",
    "ConnectTicket",
    "DeletionStatus",
    "EbayToken",
    "ErasedPerson",
    "HealthCheck",
    "InboundNotification",
    "InboxStatus",
    "NotificationKey",
    "NotificationSetup",
    "PersonIndex",
    "ProcessHeartbeat",
    "RefreshCycle",
    "RefreshTrigger",
    "ScopeDefinition",
    "SigningKey",
    "SigningKeyLease",
    "TokenRefreshLog",
]
