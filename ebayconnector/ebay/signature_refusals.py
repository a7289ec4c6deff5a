"""What eBay says when a message signature is missing or does not hold, and what a person can do about it.

The ids are not in eBay's contracts; its guide "Digital Signatures for APIs" and public reports have them from
215000 to 215122, with domain ACCESS and 403. The whole range is taken for this family.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from .remote_errors import RemoteError

SIGNATURE_ERROR_IDS = frozenset(str(number) for number in range(215000, 215200))

_ABOUT_SIGNATURES = re.compile(r"signature|content-digest|signing.?key", re.IGNORECASE)
_SET_UP = "run manage.py setup_signing_key"
# First match wins; looked for in eBay's ids and words.
_ADVICE: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?i)expired|revoked"), f"the signing key has ended: {_SET_UP}"),
    (
        re.compile(r"(?i)\b21511[34]\b|create time|timestamp"),
        "the time in the signature is too far from eBay's: set this machine's clock",
    ),
    (
        re.compile(r"(?i)\b21511[5-9]\b|\bjwe\b"),
        f"eBay does not take the key for this application's: {_SET_UP} --force",
    ),
    (re.compile(r"(?i)\b21500[01]\b|\b21511[12]\b|missing"), f"no valid key of ours was in use: {_SET_UP}"),
)
_OTHERWISE = "manage.py setup_signing_key --check says whether key, clock and signature hold"


def speaks_of_signatures(errors: Sequence[RemoteError]) -> bool:
    """Whether eBay's words (warnings aside) are about a message signature."""
    return any(_ABOUT_SIGNATURES.search(_words(error)) for error in errors if error.severity != "Warning")


def advice(errors: Sequence[RemoteError]) -> str:
    """What a person can do about a refusal with these errors."""
    text = " ".join(_words(error) for error in errors)
    return next((words for pattern, words in _ADVICE if pattern.search(text)), _OTHERWISE)


def _words(error: RemoteError) -> str:
    return " ".join(
        [error.error_id, error.message, error.long_message, *(" ".join(p) for p in error.parameters)]
    )
