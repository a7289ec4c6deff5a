"""A nested value of eBay's as a list of facts: names in words, money and moments as one value each."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from ebayconnector.ebay.timefmt import parse_ebay_time

from .codes import code_words, name_words

_MONEY = {"value", "currency", "convertedFromValue", "convertedFromCurrency", "exchangeRate"}
_MOMENT = {"value", "formattedValue"}
# What only looks like a code.
_NO_CODES = ("id", "code", "currency", "country", "number", "name", "sku", "token", "version")


def facts(value: Any) -> SafeString:
    """What eBay says, for people; what is empty is left out. Escaped: buyers wrote some of it."""
    return _shown("", value)


def _shown(name: str, value: Any) -> SafeString:
    if isinstance(value, Mapping):
        return _one_value(name, value) or format_html(
            '<dl class="ec-facts">{}</dl>',
            format_html_join(
                "",
                "<dt>{}</dt><dd>{}</dd>",
                ((name_words(key), _shown(key, one)) for key, one in value.items() if not _is_empty(one)),
            ),
        )
    if isinstance(value, list):
        items = ((_shown(name, one),) for one in value if not _is_empty(one))
        return format_html('<ol class="ec-facts">{}</ol>', format_html_join("", "<li>{}</li>", items))
    return format_html("{}", _text(name, value))


def _one_value(name: str, value: Mapping[str, Any]) -> SafeString | None:
    """Objects of eBay's that stand for one value; None for all others."""
    if value.keys() <= _MONEY and {"value", "currency"} <= value.keys():
        return format_html("{} {}", value["value"], value["currency"])
    return _shown(name, value["value"]) if "value" in value and value.keys() <= _MOMENT else None


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    text = str(value)
    with suppress(ValueError):
        return f"{parse_ebay_time(text):%Y-%m-%d %H:%M:%S} UTC"
    is_code = len(text) > 3 and text.isupper() and text.replace("_", "").isalpha()
    return code_words(text) if is_code and not name.lower().endswith(_NO_CODES) else text


def _is_empty(value: Any) -> bool:
    """Nothing at all is in it, however deep; `false` and 0 are something."""
    if isinstance(value, Mapping):
        return all(map(_is_empty, value.values()))
    return all(map(_is_empty, value)) if isinstance(value, list) else value in (None, "")
