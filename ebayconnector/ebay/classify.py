"""From an answer to the error that its caller acts on: by a closed table, else by the status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from .endpoints import Endpoint, Kind
from .errors import (
    AccountLimited,
    ApplicationRejected,
    BadAnswer,
    ConsentInvalid,
    EbayError,
    NotFound,
    RateLimited,
    Refused,
    ScopeMissing,
    ScopeRefused,
    SignatureRefused,
    TokenRejected,
    Unavailable,
)
from .remote_errors import RemoteError
from .signature_refusals import SIGNATURE_ERROR_IDS, speaks_of_signatures

_ANY_4XX = range(400, 500)
_TRADING_STATUS = range(200, 500)


@dataclass(frozen=True, slots=True)
class Rule:
    """An answer of this kind of API with a status in `statuses` and one of `error_ids` means `outcome`."""

    kind: Kind
    statuses: range
    error_ids: frozenset[str]
    outcome: type[EbayError]


def _only(status: int) -> range:
    return range(status, status + 1)


# First match wins. Sources: REST 03 §0b, OAuth §1.2, Trading §3.2.
RULES: tuple[Rule, ...] = (
    Rule("rest", _only(401), frozenset({"1001"}), TokenRejected),
    # Inventory says this of an expired token too: it is a missing scope only after a refresh (03 §0, 7).
    Rule("rest", _only(403), frozenset({"1100"}), ScopeMissing),
    Rule("rest", _ANY_4XX, SIGNATURE_ERROR_IDS, SignatureRefused),
    Rule("oauth", _ANY_4XX, frozenset({"invalid_grant"}), ConsentInvalid),
    Rule("oauth", _ANY_4XX, frozenset({"invalid_scope"}), ScopeRefused),
    Rule("oauth", _ANY_4XX, frozenset({"invalid_client", "unauthorized_client"}), ApplicationRejected),
    Rule("oauth", _ANY_4XX, frozenset({"server_error", "temporarily_unavailable"}), Unavailable),
    Rule(
        "trading",
        _TRADING_STATUS,
        frozenset({"21917053", "21917055", "21916984", "931", "932", "16110", "17470"}),
        TokenRejected,
    ),
    Rule("trading", _TRADING_STATUS, frozenset({"518"}), RateLimited),
    Rule("trading", _TRADING_STATUS, frozenset({"21919144"}), AccountLimited),
    Rule("trading", _TRADING_STATUS, frozenset({"10007"}), Unavailable),
)

_BY_STATUS: Mapping[int, type[EbayError]] = {
    401: TokenRejected,
    404: NotFound,
    408: Unavailable,
    429: RateLimited,
}


def error_class(kind: Kind, status: int, errors: Sequence[RemoteError]) -> type[EbayError]:
    """The class for an answer that is not a success."""
    serious = [error for error in errors if error.severity != "Warning"]
    ids = {error.error_id for error in serious}
    for rule in RULES:
        if rule.kind == kind and status in rule.statuses and ids & rule.error_ids:
            return rule.outcome
    if kind == "trading" and any(error.category == "SystemError" for error in serious):
        return Unavailable
    if kind == "oauth" and status == 401:
        return ApplicationRejected
    return _by_status(status)


def _by_status(status: int) -> type[EbayError]:
    if status >= 500:
        return Unavailable
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    # Trading says Failure with a 200; a redirect or a status that HTTP does not have is no answer of an API.
    return Refused if 400 <= status < 500 or status == 200 else BadAnswer


def error_for(
    endpoint: Endpoint, status: int, headers: Mapping[str, str], errors: Sequence[RemoteError]
) -> EbayError:
    """The error that says what `endpoint` answered. `headers` ignore case."""
    outcome = error_class(endpoint.kind, status, errors)
    # The ids are not documented: eBay's words decide as well where we signed or should have.
    if endpoint.signed and issubclass(outcome, Refused | TokenRejected) and speaks_of_signatures(errors):
        outcome = SignatureRefused
    failure = "Failure" if endpoint.kind == "trading" and status == 200 else f"HTTP {status}"
    return outcome(
        f"eBay answered {failure}",
        endpoint=endpoint.name,
        status=status,
        errors=errors,
        retry_after=retry_after_s(headers),
        request_id=request_id(headers),
    )


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """`Retry-After` in seconds, given as seconds or as a date (measured from the answer's own `Date`)."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    until = http_date(text)
    if until is None:
        return None
    return max(0.0, (until - (http_date(headers.get("Date", "")) or datetime.now(UTC))).total_seconds())


def http_date(text: str) -> datetime | None:
    """The aware UTC time of an HTTP date; None when it is none."""
    try:
        parsed = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def request_id(headers: Mapping[str, str]) -> str | None:
    """What eBay's support asks for (03 §14.2)."""
    return headers.get("X-EBAY-C-REQUEST-ID") or headers.get("rlogid") or None
