"""Who asks, and in which organisations with which role. Doors make a Principal and pass it on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .models import ApiKey, Membership, Role, User

if TYPE_CHECKING:
    from django.http import HttpRequest


class NotAllowed(Exception):
    """The principal sees the thing but its role does not allow the act. Doors answer 403."""

    def __init__(self, role: Role) -> None:
        super().__init__(f"this needs the role {role.value}")
        self.role = role


@dataclass(frozen=True)
class Principal:
    """A person (`user`) or a machine (`api_key`), with roles by organisation id.

    `everywhere` marks a superuser, who is admin of every organisation.
    """

    label: str
    roles: dict[int, Role] = field(default_factory=dict)
    everywhere: bool = False
    user: User | None = None
    ip_address: str | None = None

    def organization_ids(self, role: str) -> list[int] | None:
        """The organisations in which this principal has at least `role`; None means all of them."""
        if self.everywhere:
            return None
        return [pk for pk, own in self.roles.items() if own.rank >= Role(role).rank]

    def may(self, role: str, organization_id: int) -> bool:
        own = self.roles.get(organization_id)
        return self.everywhere or (own is not None and own.rank >= Role(role).rank)

    def require(self, role: str, organization_id: int) -> None:
        """Raise NotAllowed unless this principal has `role` in the organisation."""
        if not self.may(role, organization_id):
            raise NotAllowed(Role(role))


def principal_of_user(user: User, *, ip_address: str | None = None) -> Principal:
    memberships = Membership.objects.filter(user=user).values_list("organization_id", "role")
    return Principal(
        label=user.get_username(),
        roles={pk: Role(role) for pk, role in memberships},
        everywhere=user.is_superuser,
        user=user,
        ip_address=ip_address,
    )


def principal_of_api_key(key: ApiKey, *, ip_address: str | None = None) -> Principal:
    return Principal(
        label=f"API key {key}", roles={key.organization_id: Role(key.role)}, ip_address=ip_address
    )


def principal_of_request(request: HttpRequest | Any) -> Principal:
    """The principal of a Django or DRF request, looked up once per request."""
    known: Principal | None = getattr(request, "_principal", None)
    if known is None:
        ip_address = request.META.get("REMOTE_ADDR") or None
        key = getattr(request, "auth", None)
        if isinstance(key, ApiKey):
            known = principal_of_api_key(key, ip_address=ip_address)
        elif isinstance(request.user, User):
            known = principal_of_user(request.user, ip_address=ip_address)
        else:
            known = Principal(label="anonymous", ip_address=ip_address)
        request._principal = known  # type: ignore[union-attr]
    return known


SYSTEM = Principal(label="system", everywhere=True)
