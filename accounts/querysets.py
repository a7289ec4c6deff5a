"""The one place that decides which rows exist for whom, used by the API and the admin alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeVar

from django.db import models

if TYPE_CHECKING:
    from .access import Principal

_Model = TypeVar("_Model", bound=models.Model)


class ScopedQuerySet(models.QuerySet[_Model]):
    """For models with `ORGANIZATION_LOOKUP`, the lookup from the row to its organisation's id."""

    def visible_to(self, principal: Principal, *, role: str = "viewer") -> Self:
        """The rows of the organisations in which `principal` has at least `role`."""
        organizations = principal.organization_ids(role)
        if organizations is None:
            return self
        lookup: str = self.model.ORGANIZATION_LOOKUP  # type: ignore[attr-defined]
        condition: dict[str, Any] = {f"{lookup}__in": organizations}
        return self.filter(**condition)
