"""Pages of the console that are no ModelAdmin's, under `/admin/`."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, path

import sniper.admin.pages
import syncworkers.admin.pages
import tokens.admin.pages

from .dashboard import dashboard_cards


def pages() -> list[URLPattern]:
    """For Unfold's `extra_urls`: they come before the addresses of the models."""
    staff_only = admin.site.admin_view
    return [
        path("dashboard/", staff_only(dashboard_cards), name="dashboard_cards"),
        *tokens.admin.pages.pages(staff_only),
        *syncworkers.admin.pages.pages(staff_only),
        *sniper.admin.pages.pages(staff_only),
    ]
