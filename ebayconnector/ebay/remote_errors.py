"""eBay's words about what went wrong, whatever shape they come in (03 §0b)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from lxml import etree

from .documents import parse_xml
from .masking import mask, mask_text, mask_tokens
from .secret_names import is_secret_name

_MAX_PARSED = 256 * 1024
_MAX_TEXT = 300


@dataclass(frozen=True, slots=True)
class RemoteError:
    """One error as eBay reported it, tokens masked. Fields that this shape of error lacks are empty.

    `error_id` is eBay's number as text, or OAuth's word such as `invalid_grant`. `parameters` are (name,
    value) pairs. `severity` is `Warning` for what did not stop the call.
    """

    error_id: str
    domain: str = ""
    category: str = ""
    message: str = ""
    long_message: str = ""
    parameters: tuple[tuple[str, str], ...] = ()
    severity: str = "Error"

    def __str__(self) -> str:
        words = self.long_message or self.message
        details = ", ".join(f"{name}={value}" if name else value for name, value in self.parameters if value)
        return " ".join(part for part in (self.error_id, words, f"({details})" if details else "") if part)


def parse_errors(content_type: str | None, body: bytes | None) -> tuple[RemoteError, ...]:
    """The errors in an answer's body: REST, OAuth, Post-Order, Trading, plain text, HTML. Never raises.

    An empty body gives none; a body that is no error shape gives one error without an id, with its first
    words.
    """
    if not body or not body.strip():
        return ()
    if len(body) <= _MAX_PARSED:
        parsed = _from_json(body) or _from_xml(body)
        if parsed:
            return parsed
    words = _first_words(content_type, body)
    return (RemoteError("", message=words),) if words else ()


def trading_errors(root: etree._Element) -> tuple[RemoteError, ...]:
    """`Errors` of a Trading answer, none, one or several (03 §3.1). `root` has no namespaces."""
    return tuple(_trading_error(node) for node in root.iter("Errors"))


# JSON


def _from_json(body: bytes) -> tuple[RemoteError, ...]:
    if body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] not in (b"{", b"["):
        return ()
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return ()
    if isinstance(document, list):
        return _json_errors(document)
    for entries in (document.get("errors"), document.get("error"), _inside(document.get("errorMessage"))):
        if isinstance(entries, list | dict):
            return _json_errors(entries)
    return _oauth_error(document)


def _inside(error_message: Any) -> Any:
    return error_message.get("error") if isinstance(error_message, dict) else None


def _json_errors(entries: list[Any] | dict[str, Any]) -> tuple[RemoteError, ...]:
    listed = entries if isinstance(entries, list) else [entries]
    return tuple(_json_error(entry) for entry in listed if isinstance(entry, dict))


def _json_error(entry: dict[str, Any]) -> RemoteError:
    return RemoteError(
        error_id=_word(entry.get("errorId", entry.get("code"))),
        domain=_word(entry.get("domain")),
        category=_word(entry.get("category")),
        message=_word(entry.get("message")),
        long_message=_word(entry.get("longMessage")),
        parameters=_parameters(entry.get("parameters", entry.get("parameter"))),
        severity="Warning" if _word(entry.get("severity")).upper() == "WARNING" else "Error",
    )


def _parameters(entries: Any) -> tuple[tuple[str, str], ...]:
    listed = entries if isinstance(entries, list) else [entries]
    return tuple(_parameter(entry) for entry in listed if isinstance(entry, dict))


def _parameter(entry: dict[str, Any]) -> tuple[str, str]:
    name, value = _word(entry.get("name")), _word(entry.get("value"))
    return name, mask(value) if is_secret_name(name) else value


def _oauth_error(document: dict[str, Any]) -> tuple[RemoteError, ...]:
    """`{"error", "error_description"}` of the token endpoint, `error_id` on the consent page (03 §1.1)."""
    error_id = _word(document.get("error", document.get("error_id")))
    text = _word(document.get("error_description", document.get("message")))
    return (RemoteError(error_id, message=text),) if error_id or text else ()


def _word(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    # A lone surrogate can be in JSON but not in a database or a log file.
    clean = str(value).encode("utf-8", errors="replace").decode("utf-8").replace("\x00", "")
    return mask_tokens(clean)[:1000]


# XML


def _from_xml(body: bytes) -> tuple[RemoteError, ...]:
    if not body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return ()
    try:
        return trading_errors(parse_xml(body))
    except ValueError:
        return ()


def _trading_error(node: etree._Element) -> RemoteError:
    return RemoteError(
        error_id=_word(node.findtext("ErrorCode", "").strip()),
        category=_word(node.findtext("ErrorClassification", "").strip()),
        message=_word(node.findtext("ShortMessage", "").strip()),
        long_message=_word(node.findtext("LongMessage", "").strip()),
        parameters=tuple(
            (_word(parameter.get("ParamID", "")), _word(parameter.findtext("Value", "")))
            for parameter in node.findall("ErrorParameters")
        ),
        severity="Warning" if node.findtext("SeverityCode", "").strip() == "Warning" else "Error",
    )


# Anything else


def _first_words(content_type: str | None, body: bytes) -> str:
    text = body[:20_000].decode("utf-8", errors="replace").replace("\x00", "")
    if "html" in (content_type or "").lower() or text.lstrip()[:1] == "<":
        text = re.sub(r"(?is)<(script|style)\b.*?(</\1\s*>|\Z)", " ", text)
        text = re.sub(r"<[^>]*>", " ", text)
    return mask_text(" ".join(text.split())[:_MAX_TEXT])
