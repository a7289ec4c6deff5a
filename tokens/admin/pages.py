"""The addresses of the token pages that are no ModelAdmin's, under `/admin/`."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpResponseBase
from django.urls import URLPattern, path

from .connect import connect_account, reconnect_account
from .consents import consents
from .disconnect import deletion, deletion_rows, disconnect_account
from .inbox import notification_job
from .keys import key_rows, keys
from .terminal import terminal, terminal_rows

Wrap = Callable[[Callable[..., HttpResponseBase]], Callable[..., HttpResponseBase]]


def pages(staff_only: Wrap) -> list[URLPattern]:
    return [
        path("connect/", staff_only(connect_account), name="connect_account"),
        path("connect/<int:account_id>/", staff_only(reconnect_account), name="reconnect_account"),
        path("disconnect/<int:account_id>/", staff_only(disconnect_account), name="disconnect_account"),
        path("deletions/<int:account_id>/", staff_only(deletion), name="deletion"),
        path("deletions/<int:account_id>/rows/", staff_only(deletion_rows), name="deletion_rows"),
        path("tokens/consents/", staff_only(consents), name="consents"),
        path("tokens/terminal/", staff_only(terminal), name="terminal"),
        path("tokens/terminal/rows/", staff_only(terminal_rows), name="terminal_rows"),
        path("notifications/job/", staff_only(notification_job), name="notification_job"),
        path("tokens/keys/", staff_only(keys), name="keys"),
        path("tokens/keys/rows/", staff_only(key_rows), name="key_rows"),
    ]
