"""What people call the families and eBay's quotas; the keys are for machines."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from .registry import WORKERS

_QUOTAS: Mapping[str, str] = MappingProxyType(
    {
        "trading": "Trading",
        "fulfillment": "Fulfillment: orders",
        "payment_dispute": "Fulfillment: payment disputes",
        "finances": "Finances",
        "inventory": "Inventory",
        "identity": "Identity: who an account is",
        "analytics": "Analytics: these limits",
        "key_management": "Key Management: signing keys",
        "postorder.case": "Post-Order: cases",
        "postorder.inquiry": "Post-Order: inquiries",
        "postorder.return": "Post-Order: returns",
        "postorder.cancellation": "Post-Order: cancellations",
        "notification": "Notification",
        "browse": "Browse",
        "message": "Message",
        "buy_offer": "Buy Offer: bids",
        "token.authorization_code": "Tokens: connecting accounts",
        "token.refresh_token": "Tokens: refreshing",
        "token.client_credentials": "Tokens: the application's own",
    }
)


def family_title(family: str) -> str:
    """A worker's title by its key; the key of a family that there is no more."""
    return WORKERS[family].title if family in WORKERS else family


def quota_title(api: str) -> str:
    return _QUOTAS.get(api, api)
