"""Accounts whose tokens the simulator knows, and questions about what was sent and stored."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.models import EbayAccount
from tests.factories import AccountFactory, give_token
from tests.simulator import Simulator
from tokens import sealing
from tokens.models import EbayToken
from tokens.status import binding

TOKEN_CALLS = "/identity/v1/oauth2/token"


def linked_account(
    simulator: Simulator, *, seller: int = 0, lives: timedelta = timedelta(hours=2), **values: Any
) -> EbayAccount:
    """A connected account of the simulator's seller; `lives`: how long our row says the access token does."""
    who = simulator.sellers()[seller]
    minted = simulator.post("tokens", seller=who["username"])
    account = AccountFactory(
        ebay_user_id=who["userId"],
        username=who["username"],
        eias_token=who["eiasToken"],
        token=False,
        **values,
    )
    now = timezone.now()
    give_token(
        account,
        access=minted["access_token"],
        refresh=minted["refresh_token"],
        expires_at=now + lives,
        last_refreshed_at=now - timedelta(hours=2) + lives,
    )
    return account


def expired_account(simulator: Simulator, **values: Any) -> EbayAccount:
    return linked_account(simulator, lives=timedelta(minutes=-1), **values)


def stored(account: EbayAccount) -> EbayToken:
    return EbayToken.objects.get(account=account)


def stored_access_token(account: EbayAccount) -> str:
    return sealing.key_ring().open(stored(account).access_token_sealed, binding(account, "access_token"))


def stored_refresh_token(account: EbayAccount) -> str:
    return sealing.key_ring().open(stored(account).refresh_token_sealed, binding(account, "refresh_token"))


def change_token(account: EbayAccount, **values: Any) -> None:
    EbayToken.objects.filter(account=account).update(**values)


def token_posts(simulator: Simulator) -> list[dict[str, Any]]:
    """What was sent to the token endpoint, oldest first."""
    return simulator.requests(TOKEN_CALLS)


def nothing_sent(simulator: Simulator) -> bool:
    """Whether eBay has not been asked anything at all."""
    return simulator.requests(".") == []
