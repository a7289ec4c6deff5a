"""All addresses of the product."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from accounts.api.routing import Route, patterns
from accounts.api.urls import routes as login_routes
from accounts.api.views import UnknownAddress
from sniper.api.urls import routes as sniper_routes
from syncworkers.api.urls import routes as worker_routes
from tokens import views as connect_views
from tokens import webhooks
from tokens.api.urls import routes as account_routes

from . import health, metrics

_documentation = [
    Route("schema/", SpectacularAPIView, "api-schema"),
    Route("docs/", SpectacularSwaggerView, "api-docs", {"url_name": "api-schema"}),
]

urlpatterns = [
    re_path(r"^ebay/connect/?$", connect_views.connect, name="connect"),
    re_path(r"^ebay/connect/callback/?$", connect_views.callback, name="connect_callback"),
    re_path(r"^webhooks/ebay/events/?$", webhooks.events, name="ebay_events"),
    re_path(r"^healthz/?$", health.healthz, name="healthz"),
    re_path(r"^readyz/?$", health.readyz, name="readyz"),
    re_path(r"^metrics/?$", metrics.metrics, name="metrics"),
    *patterns([*login_routes, *account_routes, *worker_routes, *sniper_routes, *_documentation]),
    re_path(r"^(?:api|ebay/workers|ebay-accounts)(?:/|$)", UnknownAddress.as_view()),
    path("admin/", admin.site.urls),
]

handler400 = "ebayconnector.api_errors.bad_request"
handler500 = "ebayconnector.api_errors.server_error"
