"""Verbs on organisations, members, API keys and accounts."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from .access import Principal
from .audit import record_act
from .models import ApiKey, EbayAccount, Membership, Organization, Purpose, Role, User

API_KEY_PREFIX = "ebc_"
DEFAULT_KEY_LIFE = timedelta(days=365)


class HouseNameTaken(Exception):
    """Another active account of the organisation has this house name."""


def add_member(*, organization: Organization, user: User, role: Role, by: Principal) -> Membership:
    """Give a role, or another one; role admin. Raises NotAllowed."""
    by.require(Role.ADMIN, organization.pk)
    membership, _ = Membership.objects.update_or_create(
        organization=organization, user=user, defaults={"role": role}
    )
    record_act(
        by, "member_added", organization_id=organization.pk, target=membership, user=user.username, role=role
    )
    return membership


def remove_member(membership: Membership, *, by: Principal) -> None:
    """Take the role away; the login stays. Raises NotAllowed."""
    by.require(Role.ADMIN, membership.organization_id)
    record_act(
        by, "member_removed", organization_id=membership.organization_id, target=membership,
        user=membership.user.username, role=membership.role,
    )  # fmt: skip
    membership.delete()


def create_api_key(
    *, organization: Organization, name: str, role: Role, by: Principal, expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """Make a key; returns the row and the key itself, which is never seen again. Role admin.

    Raises NotAllowed.
    """
    by.require(Role.ADMIN, organization.pk)
    secret = API_KEY_PREFIX + secrets.token_urlsafe(32)
    key = ApiKey.objects.create(
        organization=organization,
        name=name,
        role=role,
        prefix=secret[:10],
        key_hash=hash_api_key(secret),
        created_by=by.user,
        expires_at=expires_at or timezone.now() + DEFAULT_KEY_LIFE,
    )
    record_act(by, "api_key_created", organization_id=organization.pk, target=key, role=role)
    return key, secret


def hash_api_key(secret: str) -> str:
    # The key has 256 random bits: a plain hash cannot be guessed back, a slow one would only cost time.
    return hashlib.sha256(secret.encode()).hexdigest()


def find_api_key(secret: str) -> ApiKey | None:
    """The live key with this secret, its use noted at most once a minute; None when there is none."""
    now = timezone.now()
    key = (
        ApiKey.objects.select_related("organization")
        .filter(key_hash=hash_api_key(secret), revoked_at=None, expires_at__gt=now)
        .first()
    )
    if key and (key.last_used_at is None or now - key.last_used_at > timedelta(minutes=1)):
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
    return key


def revoke_api_key(key: ApiKey, *, by: Principal) -> None:
    """The key is dead at once and for ever; once more changes nothing. Role admin. Raises NotAllowed."""
    by.require(Role.ADMIN, key.organization_id)
    if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now()):
        record_act(by, "api_key_revoked", organization_id=key.organization_id, target=key)


def change_account(
    account: EbayAccount,
    *,
    by: Principal,
    house_name: str | None = None,
    purpose: str | None = None,
    is_active: bool | None = None,
    workers_enabled: bool | None = None,
) -> EbayAccount:
    """Rename, re-purpose, switch workers, deactivate or reactivate. None leaves a field as it is.

    Role admin; for the workers' switch alone operator suffices. Raises NotAllowed, HouseNameTaken (nothing
    is changed then), and ValueError for a name or purpose that no door should have let through.
    """
    asked = {
        "house_name": house_name.strip() if house_name is not None else None,
        "purpose": purpose,
        "is_active": is_active,
        "workers_enabled": workers_enabled,
    }
    changes: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
    by.require(Role.ADMIN if changes.keys() - {"workers_enabled"} else Role.OPERATOR, account.organization_id)
    _check_changes(changes)
    try:
        with transaction.atomic():
            _apply_changes(account.pk, changes, by)
    except IntegrityError as failure:
        if "one_active_house_name" not in str(failure):
            raise
        name = changes.get("house_name", account.house_name)
        record_act(
            by, "account_changed", organization_id=account.organization_id, target=account,
            result="refused: the house name is taken", **_as_words(changes),
        )  # fmt: skip
        raise HouseNameTaken(f"another active account is called {name}; choose another house name") from None
    account.refresh_from_db()
    return account


def _check_changes(changes: Mapping[str, Any]) -> None:
    if "house_name" in changes and not 1 <= len(changes["house_name"]) <= 100:
        raise ValueError("a house name has 1 to 100 characters")
    if changes.get("purpose", Purpose.BOTH) not in Purpose.values:
        raise ValueError(f"purpose must be one of {', '.join(Purpose.values)}")


def _apply_changes(account_id: int, changes: Mapping[str, Any], by: Principal) -> None:
    # Against the stored row: the caller's copy may be older than somebody else's change.
    stored = EbayAccount.objects.select_for_update().get(pk=account_id)
    wanted = {name: value for name, value in changes.items() if value != getattr(stored, name)}
    if not wanted:
        return
    dates: dict[str, datetime | None] = {}
    if "is_active" in wanted:
        dates["deactivated_at"] = None if wanted["is_active"] else timezone.now()
    EbayAccount.objects.filter(pk=account_id).update(**wanted, **dates)
    record_act(
        by, "account_changed", organization_id=stored.organization_id, target=stored, **_as_words(wanted)
    )


def _as_words(changes: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in changes.items()}
