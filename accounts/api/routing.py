"""API routes as data: each is served with and without a trailing slash, some also without `/api`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.urls import URLPattern, path
from rest_framework.views import APIView


@dataclass(frozen=True)
class Route:
    """One address below `/api/` in the spelling that the documentation shows; `name` is unique."""

    address: str
    view: type[APIView]
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    without_api: bool = False


def patterns(routes: Iterable[Route]) -> list[URLPattern]:
    """URL patterns of the routes in all their spellings; only the first spelling has a name and a schema."""
    return [pattern for route in routes for pattern in _spellings(route)]


def _spellings(route: Route) -> Iterator[URLPattern]:
    shown = f"api/{route.address}"
    yield path(shown, route.view.as_view(**route.arguments), name=route.name)
    same = route.view.as_view(**{**route.arguments, "schema": None})
    yield path(_other_slash(shown), same)
    if route.without_api:
        yield path(route.address, same)
        yield path(_other_slash(route.address), same)


def _other_slash(address: str) -> str:
    return address.removesuffix("/") if address.endswith("/") else f"{address}/"
