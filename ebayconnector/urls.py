"""All addresses of the product."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path, re_path

from tokens import views as connect_views

urlpatterns = [
    re_path(r"^ebay/connect/?$", connect_views.connect, name="connect"),
    re_path(r"^ebay/connect/callback/?$", connect_views.callback, name="connect_callback"),
    path("admin/", admin.site.urls),
]
