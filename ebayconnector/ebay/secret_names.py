"""Which names of headers, form fields, JSON keys and XML elements carry secrets."""

from __future__ import annotations

import re
from functools import lru_cache

_NAMES = frozenset(
    {
        "apikey",
        "authorization",
        "authorizationcode",
        "certid",
        "certname",
        "code",
        "cookie",
        "credentials",
        "jwe",
        "jwt",
        "privatekeypem",
        "requestercredentials",
        "sessionid",
        "setcookie",
        "xebaysignaturekey",
    }
)
# Longer words are no names, but may end in one; and they are not worth remembering.
_LONGEST_NAME = 80
_ENDINGS = ("token", "tokens", "secret", "password", "passwd", "privatekey")
_HEADERS = frozenset({"authorization", "proxyauthorization", "xebayapicertname"})


def is_secret_name(name: str) -> bool:
    """Whether a JSON key, XML element or attribute of this name holds a secret; spelling does not matter."""
    return _is_secret(name[-_LONGEST_NAME:])


@lru_cache(maxsize=2048)
def _is_secret(name: str) -> bool:
    plain = _plain(name)
    return plain in _NAMES or plain.endswith(_ENDINGS)


def is_secret_header(name: str) -> bool:
    return _plain(name) in _HEADERS or is_secret_name(name)


def is_secret_in_form(name: str) -> bool:
    """As `is_secret_name`, and the `state` of a consent, which elsewhere is an ordinary word."""
    return is_secret_name(name) or _plain(name) == "state"


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9\s]", "", name.lower())
