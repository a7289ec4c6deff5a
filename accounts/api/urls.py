"""Routes of the API that belong to people and machines as such."""

from __future__ import annotations

from .notices import NoticeList
from .routing import Route
from .views import Login, Refresh

routes = [
    Route("auth/token", Login, "api-login"),
    Route("auth/token/refresh", Refresh, "api-login-refresh"),
    Route("notices/", NoticeList, "api-notices"),
]
