"""The addresses of the token pages that are no ModelAdmin's, under `/admin/`."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpResponseBase
from django.urls import URLPattern, path

from .connect import connect_account, reconnect_account
from .terminal import terminal, terminal_rows

Wrap = Callable[[Callable[..., HttpResponseBase]], Callable[..., HttpResponseBase]]


def pages(staff_only: Wrap) -> list[URLPattern]:
    return [
        path("connect/", staff_only(connect_account), name="connect_account"),
        path("connect/<int:account_id>/", staff_only(reconnect_account), name="reconnect_account"),
        path("tokens/terminal/", staff_only(terminal), name="terminal"),
        path("tokens/terminal/rows/", staff_only(terminal_rows), name="terminal_rows"),
    ]
