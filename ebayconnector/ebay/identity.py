"""Commerce Identity: who the token belongs to (03 §2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .client import EbayClient
from .endpoints import GET_USER


@dataclass(frozen=True, slots=True)
class EbayUser:
    """`user_id` never changes; `username` may, and may equal the id. What eBay left out is empty."""

    user_id: str
    username: str
    account_type: str
    registration_marketplace_id: str
    status: str


def get_user(client: EbayClient) -> EbayUser:
    """The owner of the client's token. `BadAnswer` when eBay does not say who it is."""
    answer = client.call(GET_USER)
    document = answer.json()
    user_id = _text(document, "userId")
    if not user_id:
        raise answer.bad("no userId")
    return EbayUser(
        user_id=user_id,
        username=_text(document, "username"),
        account_type=_text(document, "accountType"),
        registration_marketplace_id=_text(document, "registrationMarketplaceId"),
        status=_text(document, "status"),
    )


def _text(document: dict[str, Any], name: str) -> str:
    value = document.get(name)
    return value if isinstance(value, str) else ""
