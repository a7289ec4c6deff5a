"""Clients of eBay that speak as an account."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from accounts.models import EbayAccount
from ebayconnector.ebay.client import EbayClient
from ebayconnector.ebay.transport import Caller
from tokens import wire

from .refresh import get_access_token


@dataclass(frozen=True)
class AccountTokens:
    """The token source of one account, for the client: the one path of `get_access_token`."""

    account_id: int

    def get(self) -> str:
        return get_access_token(self.account_id)

    def renew(self, rejected: str) -> str:
        return get_access_token(self.account_id, rejected=rejected)


def client_for(
    account: EbayAccount,
    *,
    source: str,
    run_id: int | None = None,
    wait: Callable[[float], None] = time.sleep,
) -> EbayClient:
    """A client that speaks as `account`: its environment, marketplace and tokens."""
    return EbayClient(
        wire.environment(account.environment),
        wire.transport(),
        AccountTokens(account.pk),
        marketplace_id=account.marketplace_id,
        caller=Caller(account_id=account.pk, source=source, run_id=run_id),
        wait=wait,
        clock=wire.clock(account.environment),
    )
