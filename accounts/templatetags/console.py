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
def words(code: str) -> str:
    """`needs_reconnect` as `needs reconnect`."""
    return code.replace("_", " ")
