"""Template names for `syncworkers.titles`."""

from __future__ import annotations

from django import template

from syncworkers import titles

register = template.Library()
register.filter("family", titles.family_title)
register.filter("quota", titles.quota_title)
