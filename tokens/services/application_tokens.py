"""The one path to a token of the application itself (client credentials, 03 §1.2), shared by all processes.

eBay allows 1,000 of these grants a day: a token per process and start would use them up.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ebayconnector.ebay import oauth
from ebayconnector.ebay.endpoints import SCOPE_BASE
from ebayconnector.ebay.environments import Application
from ebayconnector.ebay.errors import ApplicationRejected, EbayError, RateLimited, ScopeRefused
from ebayconnector.ebay.transport import Caller
from tokens import locks, sealing, wire

from .refresh import TokenUnavailable

logger = logging.getLogger(__name__)

_POLL_S = 0.2
_LONGEST_MARGIN = timedelta(seconds=120)
_AGAIN_AFTER = timedelta(seconds=5)
# How long an API that refuses fresh tokens waits for the next one: doubling, until it has been quiet.
_FIRST_BRAKE = timedelta(minutes=1)
_LONGEST_BRAKE = timedelta(hours=1)
_REFUSALS_FORGOTTEN_AFTER = timedelta(hours=6)


class ApplicationTokenUnavailable(TokenUnavailable):
    """No token of the application can be had. No account's consent is concerned."""

    @property
    def needs_reconnect(self) -> bool:
        return False


@dataclass(frozen=True)
class ApplicationTokens:
    """The token source of the application, for the client."""

    environment: str
    scopes: tuple[str, ...] = (SCOPE_BASE,)

    def get(self) -> str:
        return get_application_token(self.environment, scopes=self.scopes)

    def renew(self, rejected: str, *, api: str) -> str:
        return get_application_token(self.environment, scopes=self.scopes, rejected=rejected, rejected_by=api)


def get_application_token(
    environment: str,
    *,
    scopes: Sequence[str] = (SCOPE_BASE,),
    rejected: str | None = None,
    rejected_by: str = "",
    wait_s: float = 20.0,
) -> str:
    """A living token of the environment's application for exactly these scopes, minted when there is none.

    `rejected` is a token that an API of eBay's (`rejected_by`) refused: it goes out of use, another one is
    returned or minted. An API that refuses those too is believed again only after a pause.

    Concurrent callers cause one mint; the others wait up to `wait_s` for its outcome, good or bad. A failure
    is not remembered: the next caller asks eBay again. Raises ApplicationTokenUnavailable, and
    ApplicationNotConfigured when the environment has no keyset.
    """
    application = wire.application(environment)
    scopes_key = " ".join(sorted(set(scopes)))
    deadline = time.monotonic() + wait_s
    seen: int | None = None
    while True:
        state = locks.read_application_token(environment, application.client_id, scopes_key)
        token = _living_token(state)
        usable = token is not None and token != rejected
        if token is not None and usable and not _is_due(state):
            return token
        if seen is not None and state.version != seen and not usable:
            raise _failed_elsewhere(state)
        drop = token is not None and token == rejected
        refusal = _believed_refusal(state, rejected_by) if drop else None
        lease_id = locks.claim_mint(state, drop=drop, refusal=refusal)
        if lease_id is not None:
            return _mint_or_keep(application, state, lease_id, token if usable else None)
        if token is not None and usable:
            # Somebody is renewing it in time; until then it is good.
            return token
        seen = state.version
        if time.monotonic() >= deadline:
            raise ApplicationTokenUnavailable(
                "refresh_under_way", "another process is fetching it", retry_after=_AGAIN_AFTER
            )
        time.sleep(_POLL_S)


def _living_token(state: locks.ApplicationTokenState) -> str | None:
    """The stored token while it lives; one that does not open is none, and another is minted."""
    if not state.token_sealed or state.expires_at is None or state.expires_at <= state.now:
        return None
    try:
        return sealing.key_ring().open(state.token_sealed, _binding(state))
    except (sealing.CannotOpen, sealing.KeyRingError) as failure:
        logger.warning("stored application token of %s is not used: %s", state.environment, failure)
        return None


def _believed_refusal(state: locks.ApplicationTokenState, api: str) -> dict[str, Any]:
    """What to remember of the refusal that leads to a mint. Raises when the API refused too many of late.

    An API that refuses every token, say for want of an approval, would otherwise cost a mint per call.
    """
    known = state.refusals.get(api)
    if known is None:
        return {api: {"at": state.now.isoformat(), "times": 1}}
    at = datetime.fromisoformat(known["at"])
    if state.now - at > _REFUSALS_FORGOTTEN_AFTER:
        return {api: {"at": state.now.isoformat(), "times": 1}}
    times = int(known["times"])
    believed_at = at + min(_FIRST_BRAKE * 2 ** min(times - 1, 20), _LONGEST_BRAKE)
    if state.now < believed_at:
        text = (
            f"{api} refuses every application token; none is fetched for it before {believed_at:%H:%M:%S} UTC"
        )
        logger.warning("%s: %s", state.environment, text)
        raise ApplicationTokenUnavailable("exception", text, retry_after=believed_at - state.now)
    return {api: {"at": state.now.isoformat(), "times": times + 1}}


def _is_due(state: locks.ApplicationTokenState) -> bool:
    return state.renew_at is None or state.renew_at <= state.now


def application_token_binding(environment: str, client_id: str, scopes_key: str) -> sealing.Binding:
    return sealing.Binding.of_application(f"application token {scopes_key}", environment, client_id)


def _binding(state: locks.ApplicationTokenState) -> sealing.Binding:
    return application_token_binding(state.environment, state.client_id, state.scopes_key)


def _failed_elsewhere(state: locks.ApplicationTokenState) -> ApplicationTokenUnavailable:
    """What the attempt that we waited for came to."""
    code, _, text = state.last_error.partition(": ")
    text = text or "another process's attempt did not bring a token"
    return ApplicationTokenUnavailable(code or "exception", text, retry_after=_AGAIN_AFTER)


def _mint_or_keep(
    application: Application, state: locks.ApplicationTokenState, lease_id: uuid.UUID, living: str | None
) -> str:
    """A new token; the living one when there is one and eBay gives no other."""
    try:
        return _mint(application, state, lease_id)
    except ApplicationTokenUnavailable as failure:
        if living is None:
            raise
        logger.warning("application token of %s was not renewed yet: %s", state.environment, failure)
        return living


def _mint(application: Application, state: locks.ApplicationTokenState, lease_id: uuid.UUID) -> str:
    """One attempt by the holder of the lease: ask eBay once, seal, save."""
    try:
        # Looked at before eBay is asked: a token that cannot be sealed is not worth a call.
        ring = sealing.key_ring()
        grant = oauth.mint_application_token(
            wire.transport(),
            application,
            scopes=state.scopes_key.split(),
            caller=Caller(source="application", action="app_token_minted"),
        )
        token_sealed = ring.seal(grant.access_token, _binding(state))
    except (EbayError, sealing.KeyRingError) as failure:
        unavailable = _classified(failure)
        locks.save_mint_failed(state, lease_id, error=str(unavailable))
        raise unavailable from failure
    # Also a killed job (SystemExit) must free the lease; it goes on being raised.
    except BaseException as failure:
        locks.save_mint_failed(state, lease_id, error=f"exception: {type(failure).__name__}")
        raise
    valid_for = timedelta(seconds=grant.expires_in)
    locks.save_minted(
        state,
        lease_id,
        token_sealed=token_sealed,
        valid_for=valid_for,
        renew_after=valid_for - min(valid_for / 2, _LONGEST_MARGIN),
    )
    logger.info("application token minted environment=%s scopes=%s", state.environment, state.scopes_key)
    # Also when the lease was lost meanwhile: the token itself is good.
    return grant.access_token


def _classified(failure: EbayError | sealing.KeyRingError) -> ApplicationTokenUnavailable:
    """In the words of `TokenUnavailable`; those of an account's consent are not used."""
    if isinstance(failure, sealing.KeyRingError):
        return ApplicationTokenUnavailable(
            "decrypt_failed", f"TOKEN_ENCRYPTION_KEYS cannot be used ({failure})"
        )
    text = str(failure)
    if isinstance(failure, ApplicationRejected | ScopeRefused) or not failure.retryable:
        return ApplicationTokenUnavailable("exception", text)
    again = timedelta(seconds=failure.retry_after) if failure.retry_after else _AGAIN_AFTER
    if isinstance(failure, RateLimited):
        return ApplicationTokenUnavailable("rate_limited", text, retry_after=again)
    code = "network_error" if failure.status is None else "server_error"
    return ApplicationTokenUnavailable(code, text, retry_after=again)
