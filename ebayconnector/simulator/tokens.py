"""Consents, authorization codes and tokens: what was issued to whom, until when (03 §1)."""

import base64
import secrets
from dataclasses import dataclass, field
from typing import Literal

from ebayconnector.simulator.times import DAY_MS, SECOND_MS

CODE_LIFE_S = 299
ACCESS_LIFE_S = 7200
REFRESH_LIFE_S = 47_304_000
CONSENT_LIFE_S = 600

TokenKind = Literal["user", "application"]

_KEEP_EXPIRED_MS = DAY_MS  # expired tokens are told from unknown ones for a day
_PRUNE_ABOVE = 20_000


@dataclass(frozen=True, slots=True)
class Consent:
    """A consent page that is shown to somebody; its id is used once."""

    client_id: str
    scopes: tuple[str, ...]
    state: str | None
    expires_ms: int


@dataclass(frozen=True, slots=True)
class Code:
    client_id: str
    user_id: str
    scopes: frozenset[str]
    expires_ms: int


@dataclass(slots=True)
class RefreshToken:
    client_id: str
    user_id: str
    scopes: frozenset[str]
    expires_ms: int
    revoked: str | None = None  # the reason


@dataclass(slots=True)
class AccessToken:
    """`user_id` is None in an application token."""

    kind: TokenKind
    client_id: str
    user_id: str | None
    scopes: frozenset[str]
    expires_ms: int
    revoked: bool = False


def _token_text(marker: str, size: int) -> str:
    """Starts as eBay's do and contains `^ # / + =`, which trip careless encoders (03 §1.2)."""
    body = base64.b64encode(secrets.token_bytes(size)).decode().rstrip("=")
    return f"v^1.1#i^1#{marker}#t^H4s/+{body}=="


@dataclass(slots=True)
class TokenStore:
    consents: dict[str, Consent] = field(default_factory=dict, repr=False)
    codes: dict[str, Code] = field(default_factory=dict, repr=False)
    refresh: dict[str, RefreshToken] = field(default_factory=dict, repr=False)
    access: dict[str, AccessToken] = field(default_factory=dict, repr=False)

    def open_consent(self, client_id: str, scopes: tuple[str, ...], state: str | None, now_ms: int) -> str:
        consent_id = secrets.token_urlsafe(24)
        self.consents[consent_id] = Consent(client_id, scopes, state, now_ms + CONSENT_LIFE_S * SECOND_MS)
        return consent_id

    def take_consent(self, consent_id: str, now_ms: int) -> Consent | None:
        """The consent, once; None when unknown, used or too old."""
        consent = self.consents.pop(consent_id, None)
        return consent if consent is not None and consent.expires_ms > now_ms else None

    def issue_code(self, consent: Consent, user_id: str, now_ms: int) -> str:
        code = _token_text("f^0#I^3#r^1#p^3", 60)
        expires_ms = now_ms + CODE_LIFE_S * SECOND_MS
        self.codes[code] = Code(consent.client_id, user_id, frozenset(consent.scopes), expires_ms)
        return code

    def take_code(self, code: str, client_id: str, now_ms: int) -> Code | None:
        """The code's grant, once; None when used, expired or another client's."""
        grant = self.codes.get(code)
        if grant is None or grant.client_id != client_id or grant.expires_ms <= now_ms:
            return None
        del self.codes[code]
        return grant

    def issue_refresh(self, client_id: str, user_id: str, scopes: frozenset[str], now_ms: int) -> str:
        token = _token_text("r^1#f^0#I^3#p^3", 90)
        self.refresh[token] = RefreshToken(client_id, user_id, scopes, now_ms + REFRESH_LIFE_S * SECOND_MS)
        return token

    def valid_refresh(self, token: str, client_id: str, now_ms: int) -> RefreshToken | None:
        """None when unknown, expired, revoked or another client's."""
        grant = self.refresh.get(token)
        if grant is None or grant.client_id != client_id or grant.revoked or grant.expires_ms <= now_ms:
            return None
        return grant

    def issue_access(
        self,
        client_id: str,
        user_id: str | None,
        scopes: frozenset[str],
        now_ms: int,
        life_s: int = ACCESS_LIFE_S,
    ) -> str:
        self._prune(now_ms)
        token = _token_text(
            "f^0#I^3#r^0#p^3" if user_id else "f^0#I^3#p^1", secrets.choice(range(1_120, 1_450))
        )
        kind: TokenKind = "user" if user_id else "application"
        self.access[token] = AccessToken(kind, client_id, user_id, scopes, now_ms + life_s * SECOND_MS)
        return token

    def _prune(self, now_ms: int) -> None:
        if len(self.access) < _PRUNE_ABOVE:
            return
        oldest = now_ms - _KEEP_EXPIRED_MS
        self.access = {text: token for text, token in self.access.items() if token.expires_ms > oldest}

    def revoke(self, user_id: str, reason: str) -> int:
        """End everything that one user ever granted; answers the number of refresh tokens ended."""
        self.codes = {text: code for text, code in self.codes.items() if code.user_id != user_id}
        for access in self.access.values():
            access.revoked = access.revoked or access.user_id == user_id
        ended = [grant for grant in self.refresh.values() if grant.user_id == user_id and not grant.revoked]
        for grant in ended:
            grant.revoked = reason
        return len(ended)

    def expire_access(self, user_id: str, at_ms: int) -> int:
        """Let the user's live access tokens end at a moment; answers how many."""
        tokens = [token for token in self.access.values() if token.user_id == user_id and not token.revoked]
        for token in tokens:
            token.expires_ms = min(token.expires_ms, at_ms)
        return len(tokens)
