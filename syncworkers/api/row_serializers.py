"""Serializers of eBay data, made from the registry: an eleventh family needs none of its own."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.db import models
from rest_framework import serializers

from syncworkers.registry import Child

from .row_sources import SOURCES, RowSource

# Ours: never shown.
_HIDDEN = frozenset({"content_hash"})


def column_names(model: type[models.Model]) -> list[str]:
    """The columns that people see, `id` first; a foreign key under its column's name."""
    return [field.attname for field in model._meta.concrete_fields if field.name not in _HIDDEN]


def csv_columns(source: RowSource) -> list[str]:
    """All columns without the payload, in the order of the file."""
    return [name for name in column_names(source.model) if name != "payload"]


@cache
def row_serializer(key: str) -> type[serializers.ModelSerializer[Any]]:
    """Rows of a source: its columns, the payload as eBay gave it, and its children."""
    source = SOURCES[key]
    children = {relation: _child_serializer(child)(many=True) for relation, child in source.children.items()}
    names = [*column_names(source.model), *children]
    return _serializer(source.model, names, {**_identifiers(source.model), **children})


def _child_serializer(child: Child) -> type[serializers.ModelSerializer[Any]]:
    parent = child.model._meta.get_field(child.parent)
    left_out = {"account_id", getattr(parent, "attname", child.parent)}
    names = [name for name in column_names(child.model) if name not in left_out]
    return _serializer(child.model, names, {})


def _identifiers(model: type[models.Model]) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
    """Foreign keys as plain numbers: no related row is read."""
    return {
        field.attname: serializers.IntegerField()
        for field in model._meta.concrete_fields
        if field.is_relation and field.name not in _HIDDEN
    }


def _serializer(
    model: type[models.Model], names: list[str], declared: dict[str, Any]
) -> type[serializers.ModelSerializer[Any]]:
    meta = type("Meta", (), {"model": model, "fields": names})
    return type(f"{model.__name__}RowSerializer", (serializers.ModelSerializer,), {"Meta": meta, **declared})
