"""Template names for `accounts.display`."""

from __future__ import annotations

from django import template

from accounts import display

register = template.Library()
register.filter("when", display.when)
register.filter("clock", display.clock)
register.filter("length_in_words", display.length)
register.filter("tone", display.tone_of)
register.simple_tag(display.badge, name="badge")


@register.filter
def sentence(text: str) -> str:
    """With a capital at its beginning, unless that is eBay's name."""
    return text if text.startswith("eBay") else text[:1].upper() + text[1:]


@register.filter
def words(code: str) -> str:
    """`needs_reconnect` as `needs reconnect`."""
    return code.replace("_", " ")
