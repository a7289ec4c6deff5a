"""Clients of eBay that speak as an account, or as the application."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from accounts.models import EbayAccount
from ebayconnector.ebay.client import EbayClient
from ebayconnector.ebay.endpoints import SCOPE_BASE
from ebayconnector.ebay.transport import Caller
from tokens import wire
from tokens.quotas import Lane

from .application_tokens import ApplicationTokens
from .refresh import get_access_token
from .signing import EnvironmentSigner


@dataclass(frozen=True)
class AccountTokens:
    """The token source of one account, for the client: the one path of `get_access_token`."""

    account_id: int

    def get(self) -> str:
        return get_access_token(self.account_id)

    def renew(self, rejected: str, *, api: str) -> str:
        return get_access_token(self.account_id, rejected=rejected)


def client_for(
    account: EbayAccount,
    *,
    source: str,
    run_id: int | None = None,
    lane: Lane = Lane.MANUAL,
    wait: Callable[[float], None] = time.sleep,
) -> EbayClient:
    """A client that speaks as `account`: its environment, marketplace and tokens, and the signing key.

    `lane` says what may be taken of the day's quota; its calls raise QuotaExhausted beyond that.
    """
    return EbayClient(
        wire.environment(account.environment),
        wire.transport(),
        AccountTokens(account.pk),
        marketplace_id=account.marketplace_id,
        caller=Caller(account_id=account.pk, source=source, run_id=run_id, lane=lane),
        wait=wait,
        clock=wire.clock(account.environment),
        signer=EnvironmentSigner(account.environment),
    )


def application_client_for(
    environment: str,
    *,
    source: str,
    scopes: tuple[str, ...] = (SCOPE_BASE,),
    marketplace_id: str = "",
    lane: Lane = Lane.MANUAL,
    wait: Callable[[float], None] = time.sleep,
) -> EbayClient:
    """A client that speaks as our application in `environment` and for no account.

    Without a `marketplace_id` none is sent. Its calls raise ApplicationTokenUnavailable when no token can be
    had, and ApplicationNotConfigured when the environment has no keyset.
    """
    return EbayClient(
        wire.environment(environment),
        wire.transport(),
        ApplicationTokens(environment, scopes),
        marketplace_id=marketplace_id,
        caller=Caller(source=source, lane=lane),
        wait=wait,
        clock=wire.clock(environment),
    )
