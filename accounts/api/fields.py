"""Fields of requests that differ from the framework's on purpose."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.fields import empty

from .scoping import LARGEST_ID


class Switch(serializers.BooleanField):
    """On or off. In a form, as in JSON, a missing switch is missing: it never means off."""

    default_empty_html = empty


class IdField(serializers.IntegerField):
    """A whole number that fits an id."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=1, max_value=LARGEST_ID, **kwargs)
