"""What exists for the caller of a request: foreign things answer exactly as missing ones."""

from __future__ import annotations

from typing import TypeVar

from django.db import models
from django.http import Http404
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.access import Principal, principal_of_request
from accounts.models import Organization, Role
from accounts.querysets import ScopedQuerySet

_Model = TypeVar("_Model", bound=models.Model)

LARGEST_ID = 2**63 - 1


def visible_or_404(rows: ScopedQuerySet[_Model], request: Request, pk: int) -> _Model:
    """The row with this id when the caller sees it. Raises Http404."""
    if pk > LARGEST_ID:
        raise Http404
    row = rows.visible_to(principal_of_request(request)).filter(pk=pk).first()
    if row is None:
        raise Http404
    return row


def organization_of(request: Request, organization_id: int | None) -> Organization:
    """The organisation that a request is about: the given one, or the caller's only one.

    Raises Http404 for one that the caller does not see, ValidationError when none is given and the
    caller belongs to several, PermissionDenied when the caller belongs to none.
    """
    visible = Organization.objects.visible_to(principal_of_request(request))
    if organization_id is not None:
        return visible_or_404(visible, request, organization_id)
    found = list(visible[:2])
    if not found:
        raise PermissionDenied("you belong to no organisation")
    if len(found) > 1:
        raise ValidationError({"organization": ["say which one: you belong to several organisations"]})
    return found[0]


class AdminSomewhere(BasePermission):
    """Role admin in at least one organisation; which rows exist is decided by organisation."""

    message = "this needs the role admin"

    def has_permission(self, request: Request, view: APIView) -> bool:
        organizations = _principal(request).organization_ids(Role.ADMIN)
        return organizations is None or bool(organizations)


class Superuser(BasePermission):
    """For acts on the whole installation."""

    message = "this concerns the whole installation and needs a superuser"

    def has_permission(self, request: Request, view: APIView) -> bool:
        return _principal(request).everywhere


def _principal(request: Request) -> Principal:
    return principal_of_request(request)
