"""What notices tell about keys: one that a process lacks; processes that differ in key ring or release."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta

from django.db.models import QuerySet
from django.db.models.functions import Now
from django.urls import reverse

from accounts.models import EbayAccount
from accounts.notices import Cause, Kind
from tokens import sealing
from tokens.key_use import sealed_places
from tokens.models import EbayToken, ProcessHeartbeat
from tokens.processes import ALIVE, key_ring_ids
from tokens.status import PERMANENT_CODES, binding, token_of

# Processes start one after the other; only what stays different is a fault.
_SETTLED_AFTER = timedelta(minutes=1)
# Sealed columns that speak of accounts: their organisations are told.
_OF_ACCOUNTS = frozenset({"ebay_tokens.access_token", "ebay_tokens.refresh_token"})
# Processes with the ids of their keys; '' is this one.
_Rings = list[tuple[str, frozenset[str]]]


def key_causes() -> list[Cause]:
    """Keys that stored secrets need and a process lacks; processes that differ in key ring or release."""
    rings = _rings()
    return [*_accounts_without_key(rings), *_others_without_key(rings), *_different_processes()]


def _rings() -> _Rings:
    """Of this process, and of the live ones, each of which may have been given other settings."""
    told = _settled_processes().exclude(key_ids=None)
    rings = [(f"{one.kind} {one.name} on {one.host}", frozenset(one.key_ids or ())) for one in told]
    return [("", frozenset(key_ring_ids())), *rings]


def _lacking(rings: _Rings, key_id: str) -> set[str]:
    return {process for process, ids in rings if key_id not in ids}


def _accounts_without_key(rings: _Rings) -> Iterator[Cause]:
    """One for each organisation. What has no form of ours is no key's fault."""
    accounts: dict[int, list[str]] = defaultdict(list)
    processes: dict[int, set[str]] = defaultdict(set)
    for account in EbayAccount.objects.filter(is_active=True).exclude(token=None).select_related("token"):
        key_id = sealing.sealing_key(account.token.refresh_token_sealed)
        lacking = _lacking(rings, key_id) if key_id and not _is_refused(account.token) else set()
        if lacking:
            accounts[account.organization_id].append(account.house_name)
            processes[account.organization_id] |= lacking
    for organization_id, names in accounts.items():
        yield _keys_missing(organization_id, names, processes[organization_id])


def _others_without_key(rings: _Rings) -> Iterator[Cause]:
    """What belongs to the installation: application tokens, signing keys."""
    for key_id, counts in sealed_places().items():
        places = {place: count for place, count in counts.items() if place not in _OF_ACCOUNTS}
        lacking = _lacking(rings, key_id) if key_id and places else set()
        if lacking:
            yield Cause(
                kind=Kind.KEY_TROUBLE, organization_id=None, subject_key=f"missing key {key_id}",
                title=f"Key {key_id} is missing",
                text=f"It seals {', '.join(sorted(places))}, and {_settings_of(lacking)} does not hold it. "
                "Put the key back and restart. If it is lost for good: application tokens are minted anew by "
                "themselves, a signing key by setup_signing_key --force.",
                path=reverse("admin:keys"),
            )  # fmt: skip


def key_is_missing(account: EbayAccount) -> bool:
    """Whether the fault is the key ring's and not the account's: it heals when the key is back."""
    token = token_of(account)
    if token is None or _is_refused(token):
        return False
    try:
        sealing.key_ring().open(token.refresh_token_sealed, binding(account, "refresh_token"))
    except (sealing.UnknownKey, sealing.KeyRingError):
        return True
    except sealing.CannotOpen:
        return False
    return False


def _is_refused(token: EbayToken) -> bool:
    return token.refresh_error.partition(":")[0] in PERMANENT_CODES


def _keys_missing(organization_id: int, names: list[str], processes: set[str]) -> Cause:
    return Cause(
        kind=Kind.KEY_TROUBLE, organization_id=organization_id, subject_key="missing key",
        title=f"The key to {_some(names)} is missing",
        text=f"The tokens are sealed under a key, and {_settings_of(processes)} does not hold it, so that "
        f"there these accounts stand still: {', '.join(sorted(names))}. Put the key back and restart; they "
        "go on by themselves. If it is lost for good, reconnect them.",
        path=reverse("admin:accounts_ebayaccount_changelist"),
    )  # fmt: skip


def _settings_of(processes: set[str]) -> str:
    """This process alone is a cluster's, and named by its heartbeat; without one it stays nameless."""
    named = sorted(processes - {""})
    return f"TOKEN_ENCRYPTION_KEYS of {', '.join(named)}" if named else "TOKEN_ENCRYPTION_KEYS"


def _some(names: list[str]) -> str:
    return f"the tokens of {names[0]}" if len(names) == 1 else f"the tokens of {len(names)} accounts"


def _settled_processes() -> QuerySet[ProcessHeartbeat]:
    return ProcessHeartbeat.objects.filter(
        beat_at__gt=Now() - ALIVE, started_at__lt=Now() - _SETTLED_AFTER, stopping_at=None
    )


def _different_processes() -> Iterator[Cause]:
    alive = _settled_processes()
    for field, what in (("key_ring", "key rings"), ("release", "releases")):
        found: dict[str, set[str]] = defaultdict(set)
        for kind, name, host, value in alive.values_list("kind", "name", "host", field):
            found[value].add(f"{kind} {name} on {host}")
        if len(found) > 1:
            groups = "; ".join(
                f"{value or 'none'}: {', '.join(sorted(who))}" for value, who in sorted(found.items())
            )
            yield Cause(
                kind=Kind.KEY_TROUBLE, organization_id=None, subject_key=f"processes differ: {field}",
                title=f"Processes run with different {what}",
                text=f"{groups}. Give all the same settings and release, and restart those that differ.",
                path=reverse("admin:tokens_processheartbeat_changelist"),
            )  # fmt: skip
