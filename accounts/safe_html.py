"""Showing HTML that strangers wrote."""

from __future__ import annotations

import re

import nh3
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

# What the texts of letters need. No pictures: they tell their sender that they are seen, and where.
_TAGS = {
    "a", "b", "big", "blockquote", "br", "center", "code", "dd", "div", "dl", "dt", "em", "font", "h1", "h2",
    "h3", "h4", "h5", "h6", "hr", "i", "li", "ol", "p", "pre", "s", "small", "span", "strike", "strong",
    "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul",
}  # fmt: skip
_ATTRIBUTES = {"a": {"href", "title"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}}
# Not only the tags go, but all that is in them.
_SILENT = {"script", "style", "title", "template", "noscript"}
_SCHEMES = {"http", "https", "mailto"}
_MARKUP = re.compile(r"<[A-Za-z!/?]")
_LONGEST = 500_000

_CLEANER = nh3.Cleaner(
    tags=_TAGS,
    attributes=_ATTRIBUTES,
    clean_content_tags=_SILENT,
    url_schemes=_SCHEMES,
    url_relative="deny",
    link_rel="noopener noreferrer nofollow",
    set_tag_attribute_values={"a": {"target": "_blank"}},
    strip_comments=True,
)


def safe_html(text: str) -> SafeString:
    """HTML from anybody as HTML that runs nothing, loads nothing and cannot leave its place on the page.

    Links open elsewhere and tell nobody where they were; those without a host go, as they would lead into
    these pages. Plain text keeps its lines. What is longer than half a million characters is cut.
    """
    cut = text[:_LONGEST]
    if not _MARKUP.search(cut):
        cut = escape(cut).replace("\n", "<br>")
    cleaned = _CLEANER.clean(cut)
    return mark_safe(f'<div class="ec-letter">{cleaned}</div>')
