"""The one mask for everything that people read: logs, terminal, exceptions, reprs.

Whatever a body claims to be, the same happens to it: it is cut to a bounded length, values under the
names of secrets are masked (JSON, XML and forms, whole or broken), then whatever looks like a token, and it
never raises.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Mapping

from .secret_names import is_secret_header, is_secret_in_form, is_secret_name

REDACTED = "***REDACTED***"
MAX_BODY = 64 * 1024

_TOKENS = re.compile(
    r"""
    -----BEGIN\ [A-Z ]*PRIVATE\ KEY-----.*?(?:-----END[^-]*-----|\Z)    # PEM
    | \bM(?:C4CAQAwBQYDK2VwBCIEI|II[A-Z0-9+/]{3}IBADANBgkqhkiG9w0BAQEFA)[A-Z0-9+/=%\\]*   # PKCS#8 without PEM
    | (?:v(?:\^|%5e|\\u005e|&\#94;)\d [^\s"'<>&]*)                      # eBay's tokens and codes: v^1.1#i^1#…
    | \beyJ[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*)*                       # JWT, JWE
    | enc:v\d+:[^\s"'<>&]+                                              # our own sealed values
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_MASKED = re.compile(r".{4}….{4}")
_SCHEMES = re.compile(r"(?i)\b(bearer|iaf)(\s+)[^\s\"'<>&,;]{8,}|\b(basic)(\s+)[A-Za-z0-9+/=_-]{20,}")
_JSON_STRING_KEY = re.compile(r'"((?:[^"\\]|\\.)*+)"\s*:\s*', re.DOTALL)
_JSON_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*+)("?)|[{}\[\]:,]|[^\s"{}\[\]:,]+', re.DOTALL)
_XML_START = re.compile(r"<(?:[\w.-]+:)?([A-Za-z_][\w.-]*)([^<>]*+)>")
_XML_ATTRIBUTE = re.compile(r"(?<![\w.-])([A-Za-z_][\w.-]*+)(\s*=\s*)(\"[^\"]*\"?|'[^']*'?)")
# Names and values are found one after the other: the value of a harmless name may hold the name of a secret.
_QUERY_NAME = re.compile(r"(?<![^&?;=\s\"'<>{}#])(?P<name>[^&?;=\s\"'<>{}#]++)=")
_QUERY_VALUE = re.compile(r"[^&\s\"'<>]+")
_LOOSE_NAME = re.compile(r"(\\*+[\"']?)(?<![\w.-])(?P<name>[A-Za-z_][\w.-]*+)\1\s*+[:=]\s*+\\*+[\"']?")
_LOOSE_VALUE = re.compile(r"[^\s\"'&,;}<>]+")
_WORD = re.compile(r"[A-Za-z_][\w.-]*+")
_USERINFO = re.compile(r"(?<=://)[^/@\s]+@")
_FORM = re.compile(r"\s*[\w.%+-]+=[^&\s]*(?:&[\w.%+-]+=[^&\s]*)*\s*")


def mask(value: str | None) -> str:
    """`***` for nothing and for under 12 characters; else first four, last four and the length."""
    if not value or len(value) < 12:
        return "***"
    return f"{value[:4]}…{value[-4:]} ({len(value)})"


def mask_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers as they may be shown: credentials redacted, addresses and texts masked."""
    return {name: REDACTED if is_secret_header(name) else mask_url(value) for name, value in headers.items()}


def mask_url(url: str) -> str:
    """An address (or any text with query pairs in it) with codes, states, tokens and passwords masked."""
    without_user = _USERINFO.sub(f"{REDACTED}@", url)
    return mask_tokens(_mask_query(without_user))


def mask_tokens(text: str) -> str:
    """Whatever looks like a token, a private key or an authorization, masked; the rest as it is."""
    masked = _TOKENS.sub(_token, text)
    return _SCHEMES.sub(lambda match: f"{match[1] or match[3]} {REDACTED}", masked)


def _token(match: re.Match[str]) -> str:
    if match[0].startswith(("-----", "M", "m")):
        return REDACTED
    # What was masked by its name still begins like a token.
    return match[0] if _MASKED.fullmatch(match[0]) else mask(match[0])


def mask_text(text: str) -> str:
    """Text of unknown shape: secrets are found by their names and by their looks."""
    if not _names_secrets(text):
        return mask_tokens(text)
    masked = _mask_json(text) if '"' in text else text
    masked = _mask_xml(masked) if "<" in masked else masked
    return mask_tokens(_mask_loose(masked))


def _names_secrets(text: str) -> bool:
    """Whether any word in the text could name a secret: most bodies have none, and this look is quick."""
    # A name may be written with JSON's escapes.
    return "\\u00" in text or any(map(is_secret_name, set(_WORD.findall(text))))


def mask_body(content_type: str | None, body: bytes | str | None) -> str:
    """A request's or answer's body as it may be shown, at most 64 KB of it, with a note of what was cut."""
    if not body:
        return ""
    text = _text(content_type, body[:MAX_BODY])
    masked = _mask_shape(content_type or "", text)
    if len(body) > MAX_BODY:
        unit = "bytes" if isinstance(body, bytes) else "characters"
        masked += f"… [{len(body) - MAX_BODY} of {len(body)} {unit} cut]"
    return masked


def _text(content_type: str | None, body: bytes | str) -> str:
    if isinstance(body, str):
        return body
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return body.decode("utf-16", errors="replace")
    charset = re.search(r"charset=[\"']?([\w.:-]+)", content_type or "", re.IGNORECASE)
    try:
        return body.decode(charset[1] if charset else "utf-8", errors="replace")
    except (LookupError, ValueError):
        return body.decode("utf-8", errors="replace")


def _mask_shape(content_type: str, text: str) -> str:
    declared = content_type.partition(";")[0].strip().lower()
    if declared == "application/x-www-form-urlencoded" or _FORM.fullmatch(text):
        text = _mask_form(text)
    return mask_text(text)


# Forms and queries


def _mask_form(text: str) -> str:
    return "&".join(_form_pair(pair) for pair in text.split("&"))


def _form_pair(pair: str) -> str:
    name, equals, value = pair.partition("=")
    return f"{name}={mask(value)}" if equals and is_secret_in_form(name) else pair


def _mask_query(text: str) -> str:
    return _mask_named(text, _QUERY_NAME, _QUERY_VALUE, is_secret_in_form, lambda name, value: True)


def _mask_loose(text: str) -> str:
    return _mask_named(text, _LOOSE_NAME, _LOOSE_VALUE, is_secret_name, _is_loose_secret)


def _mask_named(
    text: str,
    names: re.Pattern[str],
    values: re.Pattern[str],
    is_secret: Callable[[str], bool],
    is_value: Callable[[str, str], bool],
) -> str:
    """Masks the values that follow secret names, where `is_value(name, value)` agrees."""
    parts: list[str] = []
    position = 0
    for found in names.finditer(text):
        if found.start() < position or not is_secret(found["name"]):
            continue
        value = values.match(text, found.end())
        if value is not None and is_value(found["name"], value[0]):
            parts += (text[position : value.start()], mask(value[0]))
            position = value.end()
    parts.append(text[position:])
    return "".join(parts)


def _is_loose_secret(name: str, value: str) -> bool:
    if _MASKED.match(value) or value.startswith(("***", "[", "{")):
        return False
    # In running text "code" is an error's number more often than a consent's code, which is long.
    return value not in ("null", "None", "true", "false") and (name.lower() != "code" or len(value) >= 20)


# JSON: a scan over its tokens instead of a parse, so that a body that was cut or is broken is masked as well


def _mask_json(text: str) -> str:
    parts: list[str] = []
    position = 0
    while position < len(text):
        key = _next_secret_key(text, position)
        if key is None:
            break
        start, end = _json_value(text, key)
        parts += (text[position:start], _masked_value(text[start:end]))
        position = end
    parts.append(text[position:])
    return "".join(parts)


def _next_secret_key(text: str, position: int) -> int | None:
    """Where the value of the next key with a secret's name begins (behind the colon); None: there is none."""
    for match in _JSON_STRING_KEY.finditer(text, position):
        if is_secret_name(_unescaped(match[1])):
            return match.end()
    return None


def _json_value(text: str, start: int) -> tuple[int, int]:
    """The span of one JSON value, to the end of the text when it does not end before."""
    depth = 0
    for match in _JSON_TOKEN.finditer(text, start):
        token = match[0]
        if token in ("{", "["):
            depth += 1
        elif token in ("}", "]"):
            depth -= 1
            if depth < 0:
                return start, match.start()
        elif token == "," and depth == 0:
            return start, match.start()
        if depth == 0 and token not in (":", ","):
            return start, match.end()
    return start, len(text)


def _masked_value(raw: str) -> str:
    if raw[:1] == '"':
        inner = raw[1:-1] if len(raw) > 1 and raw.endswith('"') else raw[1:]
        return json.dumps(mask(_unescaped(inner)), ensure_ascii=False)
    if raw in ("", "null", "true", "false"):
        return raw
    return f'"{REDACTED}"'


def _unescaped(inner: str) -> str:
    if "\\" not in inner:
        return inner
    try:
        return str(json.loads(f'"{inner}"', strict=False))
    except ValueError:
        return inner


# XML, by its tags


def _mask_xml(text: str) -> str:
    parts: list[str] = []
    position = 0
    while (start := _XML_START.search(text, position)) is not None:
        parts.append(text[position : start.start()])
        parts.append(_XML_ATTRIBUTE.sub(_attribute, start[0]))
        position = start.end()
        if is_secret_name(start[1]) and not start[2].endswith("/"):
            parts.append(REDACTED)
            position = _xml_end(text, start[1], position)
    parts.append(text[position:])
    return "".join(parts)


def _xml_end(text: str, name: str, position: int) -> int:
    end = re.compile(rf"</(?:[\w.-]+:)?{re.escape(name)}\s*>").search(text, position)
    return end.start() if end else len(text)


def _attribute(match: re.Match[str]) -> str:
    name, equals, _value = match.groups()
    return f'{name}{equals}"{REDACTED}"' if is_secret_name(name) else match[0]
