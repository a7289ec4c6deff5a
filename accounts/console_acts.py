"""Buttons of the console: a POST that answers JSON to the page's script, or redirects without it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import update_wrapper
from typing import Concatenate, ParamSpec

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from .access import NotAllowed, Principal, principal_of_request

_P = ParamSpec("_P")


@dataclass(frozen=True)
class Said:
    """What a button answers: a sentence and its level (`success`, `info`, `warning`, `error`)."""

    text: str
    level: str = "success"
    status: int = 200


def acting(
    back: Callable[[HttpRequest], str],
) -> Callable[
    [Callable[Concatenate[HttpRequest, Principal, _P], Said]],
    Callable[Concatenate[HttpRequest, _P], HttpResponse],
]:
    """A decorator of buttons; `back` says where a browser without script goes. NotAllowed becomes 403."""

    def act(
        view: Callable[Concatenate[HttpRequest, Principal, _P], Said],
    ) -> Callable[Concatenate[HttpRequest, _P], HttpResponse]:
        def button(request: HttpRequest, /, *args: _P.args, **kwargs: _P.kwargs) -> HttpResponse:
            try:
                said = view(request, principal_of_request(request), *args, **kwargs)
            except NotAllowed as refused:
                said = Said(f"Nothing was changed: {refused}.", "error", 403)
            return _answer(request, said, back)

        update_wrapper(button, view)
        return never_cache(require_POST(button))

    return act


def _answer(request: HttpRequest, said: Said, back: Callable[[HttpRequest], str]) -> HttpResponse:
    if said.status != 200 or "application/json" in request.headers.get("Accept", ""):
        return JsonResponse({"message": said.text, "level": said.level}, status=said.status)
    messages.add_message(request, getattr(messages, said.level.upper()), said.text)
    return redirect(back(request))
