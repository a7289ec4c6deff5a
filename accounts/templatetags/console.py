"""Template names for `accounts.display`."""

from __future__ import annotations

from django import template

from accounts import display

register = template.Library()
register.filter("when", display.when)
register.filter("clock", display.clock)
register.filter("length_in_words", display.length)
register.filter("json_text", display.json_text)
register.simple_tag(display.badge, name="badge")
