"""Puts the console together; Django imports this after the admin of all other apps."""

from __future__ import annotations

from django.contrib import admin

from .console import jobs, pages

__all__ = ["jobs"]

# Unfold's site asks for `extra_urls` when the address table is built.
admin.site.extra_urls = pages.pages  # type: ignore[attr-defined]
