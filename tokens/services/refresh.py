"""The one path to an access token, used by every worker, probe, snipe, debug action and schedule."""

from __future__ import annotations

import logging
import random
import time
from dataclasses import dataclass
from datetime import timedelta

from accounts.models import EbayAccount
from ebayconnector.database import fetch_one
from ebayconnector.ebay import oauth
from ebayconnector.ebay.errors import (
    ApplicationRejected,
    BadAnswer,
    ConsentInvalid,
    EbayError,
    RateLimited,
    ScopeRefused,
    Unavailable,
)
from ebayconnector.ebay.masking import mask
from ebayconnector.ebay.transport import Caller
from tokens import locks, sealing, wire
from tokens.models import RefreshTrigger
from tokens.status import NOT_A_TOKEN, PERMANENT_CODES, SEALED_CODES, sealed_code

from . import notices

logger = logging.getLogger(__name__)

ON_DEMAND_MARGIN = timedelta(minutes=5)
_POLL_S = 0.2
_USABLE = timedelta(seconds=10)
_FIRST_PAUSE = timedelta(seconds=15)
_LONGEST_PAUSE = timedelta(minutes=15)
# However long eBay asks us to wait: a wrong header must not switch an account off for years.
_LONGEST_ASKED_PAUSE = timedelta(hours=1)


class TokenUnavailable(Exception):
    """No access token can be had. `retry_after` is None when only a person can help."""

    def __init__(self, code: str, text: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text
        self.retry_after = retry_after

    @property
    def needs_reconnect(self) -> bool:
        return self.code in PERMANENT_CODES | SEALED_CODES | {"not_connected"}


class RefreshUnderWay(TokenUnavailable):
    """Somebody else refreshes this token and has not finished within our wait."""

    def __init__(self, text: str = "another process is refreshing it") -> None:
        super().__init__("refresh_under_way", text, retry_after=timedelta(seconds=5))


class Superseded(RefreshUnderWay):
    """Our attempt no longer counts: the account was reconnected, or the lease ended before eBay's answer."""

    def __init__(self) -> None:
        super().__init__("the account was reconnected, or another process took over, during the refresh")


def get_access_token(
    account_id: int,
    *,
    min_ttl: timedelta = ON_DEMAND_MARGIN,
    trigger: RefreshTrigger = RefreshTrigger.ON_DEMAND,
    wait_s: float = 20.0,
    rejected: str | None = None,
) -> str:
    """An access token of the account that lives at least `min_ttl`, refreshed when it does not.

    `rejected` is a token that eBay refused although it looked alive: another one is returned or fetched.
    Concurrent callers cause one HTTP refresh; the others wait up to `wait_s` for its outcome. Raises
    TokenUnavailable (RefreshUnderWay when the wait was too short).
    """
    at_hand = _token_at_hand(account_id, min_ttl, rejected)
    if at_hand is not None:
        return at_hand
    deadline = time.monotonic() + wait_s
    seen: int | None = None
    while True:
        state = _usable_state(account_id)
        token = _stored_token(state, min_ttl, rejected)
        if token is not None:
            return token
        if is_pausing(state) or (seen is not None and state.version != seen):
            return _live_token_or_stored_failure(state, rejected)
        wire.refuse_inside_transaction("a refresh")
        attempt = locks.claim_refresh(state, by=str(trigger))
        if attempt is not None:
            token = _refresh_or_live_token(state, attempt, trigger, rejected)
            if token is not None:
                return token
        # Ours was superseded: whatever is stored now is judged anew.
        seen = state.version if attempt is None else None
        if time.monotonic() >= deadline:
            live = _stored_token(state, _USABLE, rejected)
            if live is not None:
                return live
            raise RefreshUnderWay
        time.sleep(_POLL_S)


def _token_at_hand(account_id: int, min_ttl: timedelta, rejected: str | None) -> str | None:
    """What nearly every call comes for, by one quick question: a token that nothing is wrong with."""
    living = locks.read_living_token(account_id, min_ttl=min_ttl, refused=PERMANENT_CODES)
    if living is None:
        return None
    environment, ebay_user_id, sealed = living
    binding = sealing.Binding("access_token", environment, ebay_user_id, account_id)
    return _opened(sealed, binding, rejected)


@dataclass(frozen=True)
class Refreshed:
    """The result of a refresh that somebody asked for."""

    success: bool
    error_code: str = ""
    error_text: str = ""


def refresh_now(account_id: int, *, trigger: RefreshTrigger) -> Refreshed:
    """Refresh whatever the token's age (schedule, admin, debug); the same code as on demand.

    Waits for nobody: when a refresh is under way, or overtook this one, the code is `refresh_under_way`. The
    schedule keeps to the pause after a failure, which is then the result again; a person does not.
    """
    try:
        state = _usable_state(account_id)
        if trigger == RefreshTrigger.SCHEDULED and is_pausing(state):
            raise _stored_failure(state)
        wire.refuse_inside_transaction("a refresh")
        attempt = locks.claim_refresh(state, by=str(trigger))
        if attempt is None:
            raise RefreshUnderWay
        _refresh_under_lease(state, attempt, trigger)
    except TokenUnavailable as failure:
        return Refreshed(False, failure.code, failure.text)
    return Refreshed(True)


def _usable_state(account_id: int) -> locks.TokenState:
    state = locks.read_token(account_id)
    if state is None or not (state.refresh_token_sealed or state.access_token_sealed):
        raise TokenUnavailable("not_connected", "the account has no token: connect it")
    if not state.is_active:
        raise TokenUnavailable("account_inactive", "the account is deactivated")
    code, _, text = state.refresh_error.partition(": ")
    if code in PERMANENT_CODES:
        raise TokenUnavailable(code, f"{text} (reconnect the account)")
    return state


def _binding(state: locks.TokenState, field: str) -> sealing.Binding:
    return sealing.Binding(field, state.environment, state.ebay_user_id, state.account_id)


def _stored_token(state: locks.TokenState, min_ttl: timedelta, rejected: str | None) -> str | None:
    """The stored token when it lives long enough, opens, and is not the rejected one."""
    if state.expires_at is None or state.expires_at - state.now <= min_ttl:
        return None
    return _opened(state.access_token_sealed, _binding(state, "access_token"), rejected)


def _opened(sealed: str, binding: sealing.Binding, rejected: str | None) -> str | None:
    try:
        token = sealing.key_ring().open(sealed, binding)
    except (sealing.CannotOpen, sealing.KeyRingError):
        return None
    return token if oauth.looks_like_token(token) and token != rejected else None


def is_pausing(state: locks.TokenState) -> bool:
    """Whether the last attempt failed so recently that the next one has to wait."""
    return state.next_attempt_at is not None and state.next_attempt_at > state.now


def _live_token_or_stored_failure(state: locks.TokenState, rejected: str | None) -> str:
    """After somebody else's attempt, or while the next one has to wait."""
    live = _stored_token(state, _USABLE, rejected)
    if live is not None:
        return live
    raise _stored_failure(state)


def _stored_failure(state: locks.TokenState) -> TokenUnavailable:
    """Why the last attempt, whoever made it, brought no token."""
    try:
        _open_refresh_token(state)
    except TokenUnavailable as failure:
        return failure
    code, _, text = state.refresh_error.partition(": ")
    pause = state.next_attempt_at - state.now if state.next_attempt_at else timedelta(seconds=5)
    return TokenUnavailable(
        code or "exception",
        text or "the last refresh did not bring a token",
        retry_after=None if code in PERMANENT_CODES else max(pause, timedelta(seconds=1)),
    )


def _refresh_or_live_token(
    state: locks.TokenState, attempt: locks.Attempt, trigger: RefreshTrigger, rejected: str | None
) -> str | None:
    """The new token; the old one when the attempt failed and it still lives; None when superseded."""
    try:
        return _refresh_under_lease(state, attempt, trigger)
    except Superseded:
        return None
    except TokenUnavailable as failure:
        live = None if failure.code in PERMANENT_CODES else _stored_token(state, _USABLE, rejected)
        if live is None:
            raise
        return live


def _refresh_under_lease(state: locks.TokenState, attempt: locks.Attempt, trigger: RefreshTrigger) -> str:
    """One attempt by the holder of the lease: open, ask eBay once, save, log.

    Raises TokenUnavailable (Superseded when the outcome, good or bad, is for nobody any more).
    """
    try:
        grant = _ask_ebay(state, trigger)
    except TokenUnavailable as failure:
        if not _record_failure(state, attempt, failure):
            raise Superseded from failure
        raise
    # Also a killed job (SystemExit) must free the lease and leave its row; it goes on being raised.
    except BaseException as failure:
        unexpected = TokenUnavailable("exception", type(failure).__name__, retry_after=_FIRST_PAUSE)
        _record_failure(state, attempt, unexpected)
        raise
    return _record_success(state, attempt, grant, trigger)


def _ask_ebay(state: locks.TokenState, trigger: RefreshTrigger) -> oauth.TokenGrant:
    sealed = state.refresh_token_sealed
    refresh_token = _opened_refresh_token(state, trigger)
    logger.info(
        "token_refresh_path caller=%s account=%s house_name=%s stored=%s sent=%s",
        trigger, state.account_id, state.house_name, mask(sealed), mask(refresh_token),
    )  # fmt: skip
    caller = Caller(account_id=state.account_id, source=str(trigger), action="token_refresh")
    try:
        return oauth.refresh(
            wire.transport(), wire.application(state.environment), refresh_token=refresh_token, caller=caller
        )
    except wire.ApplicationNotConfigured as failure:
        raise TokenUnavailable("exception", str(failure), retry_after=_LONGEST_PAUSE) from failure
    except EbayError as failure:
        raise _classified(failure, state) from failure


def _opened_refresh_token(state: locks.TokenState, trigger: RefreshTrigger) -> str:
    """The refresh token in clear, or a row in the terminal that says why nothing was sent."""
    try:
        return _open_refresh_token(state)
    except TokenUnavailable as failure:
        wire.failure_row(
            account=EbayAccount.objects.get(pk=state.account_id),
            action="token_refresh_debug" if trigger == RefreshTrigger.DEBUG else "token_refresh_failed",
            source=str(trigger),
            error=str(failure),
            request={"note": "nothing was sent", "stored": mask(state.refresh_token_sealed)},
        )
        raise


def _open_refresh_token(state: locks.TokenState) -> str:
    """Nothing that is not eBay's refresh token ever leaves this process: TokenUnavailable instead."""
    code = sealed_code(state.refresh_token_sealed)
    try:
        token = sealing.key_ring().open(state.refresh_token_sealed, _binding(state, "refresh_token"))
    except sealing.UnknownKey as failure:
        logger.critical("account %s: %s; restore the key or reconnect", state.account_id, failure)
        raise TokenUnavailable(code, failure.reason) from failure
    except sealing.KeyRingError as failure:
        logger.critical("TOKEN_ENCRYPTION_KEYS cannot be used: %s", failure)
        raise TokenUnavailable(code, str(failure)) from failure
    except sealing.CannotOpen as failure:
        raise TokenUnavailable(code, failure.reason) from failure
    if not oauth.looks_like_token(token):
        raise TokenUnavailable(code, NOT_A_TOKEN)
    return token


def _classified(failure: EbayError, state: locks.TokenState) -> TokenUnavailable:
    """eBay's refusal or silence as one of our codes, with a pause for those that heal by themselves."""
    text = str(failure)
    if isinstance(failure, ConsentInvalid):
        return TokenUnavailable("invalid_grant", text)
    if isinstance(failure, ScopeRefused):
        return TokenUnavailable("invalid_scope", text)
    pause = _pause_after(failure, state.account_id)
    if isinstance(failure, RateLimited):
        return TokenUnavailable("rate_limited", text, retry_after=pause)
    if isinstance(failure, ApplicationRejected):
        return TokenUnavailable("exception", text, retry_after=_LONGEST_PAUSE)
    if isinstance(failure, Unavailable | BadAnswer):
        code = "network_error" if failure.status is None else "server_error"
        return TokenUnavailable(code, text, retry_after=pause)
    return TokenUnavailable("exception", text, retry_after=pause)


def _pause_after(failure: EbayError, account_id: int) -> timedelta:
    """As long as eBay asked, else longer with each failure in a row."""
    if failure.retry_after:
        return min(timedelta(seconds=failure.retry_after), _LONGEST_ASKED_PAUSE)
    return _growing_pause(account_id)


def _growing_pause(account_id: int) -> timedelta:
    doubled = _FIRST_PAUSE * 2 ** min(failures_in_row(account_id), 10)
    seconds = min(doubled, _LONGEST_PAUSE).total_seconds() * random.uniform(0.8, 1.2)
    return timedelta(seconds=seconds)


def failures_in_row(account_id: int) -> int:
    """Finished attempts of the account since its last success."""
    row = fetch_one(
        "SELECT count(*) FROM ebay_token_refresh_log WHERE account_id = %s AND success IS FALSE "
        "AND started_at > COALESCE((SELECT max(started_at) FROM ebay_token_refresh_log "
        "WHERE account_id = %s AND success), '-infinity')",
        [account_id, account_id],
    )
    return int(row[0]) if row else 0


def _record_failure(state: locks.TokenState, attempt: locks.Attempt, failure: TokenUnavailable) -> bool:
    """Store and log the failure; False when it is no longer this consent's or not ours to tell."""
    # A sealed token is judged anew each time from what the key ring opens: nothing is stored to heal.
    stored = None if failure.code in SEALED_CODES else f"{failure.code}: {failure.text}"
    current = locks.save_failed(
        state, attempt, code=failure.code, text=failure.text, refresh_error=stored, pause=failure.retry_after
    )
    level = logging.CRITICAL if current and failure.needs_reconnect else logging.WARNING
    logger.log(
        level, "token refresh failed account=%s house_name=%s ebay_user=%s code=%s: %s",
        state.account_id, state.house_name, state.ebay_user_id, failure.code, failure.text,
    )  # fmt: skip
    if current and failure.needs_reconnect:
        notices.look_at_account(state.account_id)
    return current


def _record_success(
    state: locks.TokenState, attempt: locks.Attempt, grant: oauth.TokenGrant, trigger: RefreshTrigger
) -> str:
    ring = sealing.key_ring()
    expires_at = locks.save_refreshed(
        state,
        attempt,
        access_token_sealed=ring.seal(grant.access_token, _binding(state, "access_token")),
        refresh_token_sealed=(
            ring.seal(grant.refresh_token, _binding(state, "refresh_token")) if grant.refresh_token else None
        ),
        valid_for=timedelta(seconds=grant.expires_in),
        refresh_valid_for=(
            timedelta(seconds=grant.refresh_token_expires_in) if grant.refresh_token_expires_in else None
        ),
        by=str(trigger),
    )
    if expires_at is None:
        raise Superseded
    logger.info(
        "token refreshed account=%s house_name=%s ebay_user=%s",
        state.account_id, state.house_name, state.ebay_user_id,
    )  # fmt: skip
    if state.refresh_error:
        notices.look_at_account(state.account_id)
    return grant.access_token
