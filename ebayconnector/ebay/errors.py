"""What can go wrong with a call, one class per thing that a caller can do about it."""

from __future__ import annotations

from collections.abc import Sequence

from .masking import mask_text, mask_tokens
from .remote_errors import RemoteError, parse_errors
from .signature_refusals import advice

__all__ = [
    "AccountLimited",
    "ApplicationRejected",
    "BadAnswer",
    "ConsentInvalid",
    "DeadlineExceeded",
    "EbayError",
    "NotFound",
    "RateLimited",
    "Refused",
    "RemoteError",
    "ScopeMissing",
    "ScopeRefused",
    "SignatureRefused",
    "TokenRejected",
    "Unavailable",
    "parse_errors",
]

_SHOWN_ERRORS = 5
_SHOWN_LENGTH = 500


class EbayError(Exception):
    """A call that did not give what it should. `str()` says what was called and what came back, masked.

    endpoint      the name of the call, e.g. `getOrders`
    api           the quota family of the call, set by the client; '' when no client made it
    status        HTTP status; None when there was no answer
    errors        eBay's own errors
    retryable     the same call may succeed later without a person doing anything
    retry_after   seconds that eBay asked us to wait; None when it did not say
    request_id    what eBay's support asks for
    """

    _retryable = False

    def __init__(
        self,
        summary: str = "",
        *,
        endpoint: str = "",
        status: int | None = None,
        errors: Sequence[RemoteError] = (),
        retry_after: float | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(summary)
        self.summary = summary
        self.endpoint = endpoint
        self.api = ""
        self.status = status
        self.errors = tuple(errors)
        self.retryable = self._retryable
        self.retry_after = retry_after
        self.request_id = request_id

    def __str__(self) -> str:
        head = ": ".join(part for part in (self.endpoint, self.summary) if part) or type(self).__name__
        words = "; ".join(str(error)[:_SHOWN_LENGTH] for error in self.errors[:_SHOWN_ERRORS])
        more = len(self.errors) - _SHOWN_ERRORS
        text = f"{mask_tokens(head)}: {mask_text(words)}" if words else mask_tokens(head)
        text += f" (and {more} more)" if more > 0 else ""
        text += f" [retry after {self.retry_after:g} s]" if self.retry_after is not None else ""
        text += f" [request {self.request_id}]" if self.request_id else ""
        return text


class TokenRejected(EbayError):
    """eBay does not take the access token: refresh once; rejected again, the account needs its owner."""


class ScopeMissing(EbayError):
    """The token is good but may not do this: the owner has to grant the scope by reconnecting."""


class RateLimited(EbayError):
    """The application's quota of this API family is used up: pause the family."""

    _retryable = True


class AccountLimited(EbayError):
    """eBay limits this one account (Trading 21919144): pause the account."""

    _retryable = True


class Unavailable(EbayError):
    """No answer, or eBay's own fault (5xx, network, timeout, Trading 10007): try again later."""

    _retryable = True


class DeadlineExceeded(Unavailable):
    """The answer was not complete when the time for the whole call was over."""


class BadAnswer(EbayError):
    """An answer that cannot be one: cut, malformed, of the wrong type, empty, too large."""

    _retryable = True


class NotFound(EbayError):
    """eBay does not have it (404), or no longer."""


class Refused(EbayError):
    """eBay understood and said no: our request or the data is wrong. Sending it again changes nothing."""


class SignatureRefused(Refused):
    """eBay demands a message signature of this seller and found none, or one that does not hold (03 §12)."""

    def __str__(self) -> str:
        return f"{super().__str__()}; what to do: {advice(self.errors)}"


class ConsentInvalid(EbayError):
    """`invalid_grant`: the consent (or code) is expired, revoked or not ours: the owner must reconnect."""


class ScopeRefused(EbayError):
    """`invalid_scope`: a scope is unknown, not granted to the keyset, or beyond the consent."""


class ApplicationRejected(EbayError):
    """eBay does not take the application's own keys: client id, secret or environment are wrong."""
