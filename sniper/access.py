"""Whether an account may bid, as far as we can know before it does."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.utils import timezone

from accounts.models import EbayAccount
from ebayconnector.ebay.endpoints import SCOPE_OFFER_AUCTION
from tokens.models import ScopeDefinition
from tokens.status import account_status, token_of


class BiddingAccess(StrEnum):
    """GRANTED: the owner's consent has the bidding scope. NOT_APPROVED: our keyset does not ask for it,
    because eBay grants it on approval only. NOT_GRANTED: it is asked for, this consent lacks it."""

    GRANTED = "granted"
    NOT_APPROVED = "not_approved"
    NOT_GRANTED = "not_granted"

    @property
    def words(self) -> str:
        return _WORDS[self]


_WORDS = {
    BiddingAccess.GRANTED: "granted",
    BiddingAccess.NOT_APPROVED: "not granted: eBay has not approved the bidding API for this application",
    BiddingAccess.NOT_GRANTED: "not granted: reconnect the account to grant it",
}


def bidding_access(account: EbayAccount) -> BiddingAccess:
    token = token_of(account)
    if token is not None and SCOPE_OFFER_AUCTION in token.granted_scopes:
        return BiddingAccess.GRANTED
    asked_for = ScopeDefinition.objects.filter(scope=SCOPE_OFFER_AUCTION, is_active=True).exists()
    return BiddingAccess.NOT_GRANTED if asked_for else BiddingAccess.NOT_APPROVED


@dataclass(frozen=True)
class Readiness:
    """What would keep the account from bidding now; '' when nothing would."""

    warning: str


def readiness(account: EbayAccount) -> Readiness:
    status = account_status(account, now=timezone.now())
    if status.needs_person or status.code == "error":
        return Readiness(f"The account's token is broken now: {status.reason}")
    access = bidding_access(account)
    if access != BiddingAccess.GRANTED:
        return Readiness(f"Bidding access is {access.words}.")
    return Readiness("")
