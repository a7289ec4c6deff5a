"""Lists: limit, offset, ordering and filters, all of them strict.

A misspelt filter that is ignored answers rows that nobody asked for; here it is an error that names what
there is.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, ClassVar, TypeVar

from django import forms
from django.db import models
from django_filters import BaseInFilter, CharFilter, ChoiceFilter, FilterSet, NumberFilter, TypedChoiceFilter
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import ValidationError
from rest_framework.filters import OrderingFilter
from rest_framework.generics import ListAPIView
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request
from rest_framework.views import APIView

from .scoping import LARGEST_ID

_Model = TypeVar("_Model", bound=models.Model)


class Pages(LimitOffsetPagination):
    """`limit` (1 to 500) and `offset`; a larger limit means 500."""

    max_limit = 500

    def get_limit(self, request: Request) -> int:
        text = request.query_params.get("limit", "")
        limit = _whole_number("limit", text, at_least=1) if text else self.default_limit or 1
        return min(limit, self.max_limit)

    def get_offset(self, request: Request) -> int:
        text = request.query_params.get("offset", "")
        return _whole_number("offset", text, at_least=0) if text else 0


class LogPages(Pages):
    """For lines of a log, which are read in larger pieces."""

    default_limit = 200
    max_limit = 1000


def _whole_number(name: str, text: str, *, at_least: int) -> int:
    # At most 18 digits: PostgreSQL takes no larger offset.
    if not text.isdecimal() or len(text) > 18 or int(text) < at_least:
        raise ValidationError({name: [f"must be a whole number from {at_least}"]})
    return int(text)


class StrictOrdering(OrderingFilter):
    """`ordering=a,-b`; unknown fields are an error, and the id decides among equals."""

    def get_ordering(self, request: Request, queryset: Any, view: APIView) -> Sequence[str]:
        wanted = [
            word.strip() for word in request.query_params.get("ordering", "").split(",") if word.strip()
        ]
        known: Collection[str] = getattr(view, "ordering_fields", ())
        unknown = [word for word in wanted if word.removeprefix("-") not in known]
        if unknown:
            raise ValidationError(
                {"ordering": [f"unknown: {', '.join(unknown)}; one of {', '.join(sorted(known))}"]}
            )
        ordering = wanted or list(self.get_default_ordering(view) or ())
        has_id = any(word.removeprefix("-") in ("id", "pk") for word in ordering)
        return ordering if has_id else [*ordering, "id"]


class StrictList(ListAPIView[_Model]):
    """A list that refuses parameters it does not know."""

    filter_backends = [DjangoFilterBackend, StrictOrdering]
    pagination_class = Pages
    filterset_class: type[FilterSet] | None = None
    ordering_fields: Collection[str] = ()
    ordering: Sequence[str] = ("id",)
    extra_parameters: ClassVar[frozenset[str]] = frozenset()

    def filter_queryset(self, queryset: Any) -> Any:
        refuse_unknown(self.request, self.known_parameters())
        return super().filter_queryset(queryset)

    def known_parameters(self) -> set[str]:
        known = {"limit", "offset", "format", *self.extra_parameters}
        if self.ordering_fields:
            known.add("ordering")
        return known | set(self.filterset_class.base_filters if self.filterset_class else ())


def refuse_unknown(request: Request, known: Collection[str]) -> None:
    """Raise ValidationError when the query has parameters that are not `known`."""
    unknown = set(request.query_params) - set(known)
    if unknown:
        text = f"unknown parameter; there are {', '.join(sorted(known))}"
        raise ValidationError({name: [text] for name in sorted(unknown)})


class Filters(FilterSet):  # type: ignore[misc]  # the library has no types
    """The base of all our filter sets."""


class IdFilter(NumberFilter):  # type: ignore[misc]
    """A whole number that fits an id."""

    field_class = forms.IntegerField

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, min_value=1, max_value=LARGEST_ID, **kwargs)

    def get_max_validator(self) -> None:
        """None: the form field has its own limits."""


class SwitchFilter(TypedChoiceFilter):  # type: ignore[misc]
    """`true` or `false`; the library's own takes anything else for "not asked"."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        words = [(word, word) for word in ("true", "false", "True", "False", "1", "0")]
        super().__init__(*args, choices=words, coerce=lambda word: word in ("true", "True", "1"), **kwargs)


class WordsFilter(BaseInFilter, CharFilter):  # type: ignore[misc]
    """`a` or `a,b`: one of these words."""


class ChoicesFilter(BaseInFilter, ChoiceFilter):  # type: ignore[misc]
    """`a` or `a,b`, each of them a known word."""
