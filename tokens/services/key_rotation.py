"""Re-sealing everything that is sealed under the newest key, while all else goes on.

Each value is changed by compare-and-swap in a statement of its own: killed at any moment, nothing is lost and
the next start goes on; a refresh that saves meanwhile wins, and what it saves is sealed under the newest key.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Model, Q

from accounts.access import Principal
from accounts.audit import record_act
from tokens import processes, sealing, status
from tokens.key_use import KeyUse, key_uses, sealed_fields
from tokens.models import ApplicationToken, EbayToken, ProcessHeartbeat, SigningKey

from .application_tokens import application_token_binding
from .signing import key_binding

logger = logging.getLogger(__name__)

BATCH = 200
# Races with savers end by themselves, because they seal under the newest key.
_PASSES = 5
_TRIES = 5


class RotationRefused(Exception):
    """Something runs that may still seal under an older key; the text names it."""

    def __init__(self, others: Sequence[ProcessHeartbeat]) -> None:
        names = ", ".join(f"{process} (last heard {process.beat_at:%H:%M:%S} UTC)" for process in others)
        super().__init__(
            f"running with another key ring than this command: {names}; give all the same "
            "TOKEN_ENCRYPTION_KEYS, the new key first, restart them, and run this again"
        )


@dataclass(frozen=True)
class _Place:
    """What a model's sealed values are bound to. `again`: what does not open is dropped.

    `related` is what the binding needs besides the row.
    """

    binding: Callable[[Any, str], sealing.Binding]
    related: tuple[str, ...] = ()
    again: bool = False


def _of_token(row: EbayToken, name: str) -> sealing.Binding:
    return status.binding(row.account, name.removesuffix("_sealed"))


def _of_application_token(row: ApplicationToken, name: str) -> sealing.Binding:
    return application_token_binding(row.environment, row.client_id, row.scopes_key)


def _of_signing_key(row: SigningKey, name: str) -> sealing.Binding:
    return key_binding(row, name.removesuffix("_sealed"))


# A test holds that every sealed column of every model is in here.
PLACES: dict[type[Model], _Place] = {
    EbayToken: _Place(_of_token, related=("account",)),
    ApplicationToken: _Place(_of_application_token, again=True),
    SigningKey: _Place(_of_signing_key),
}


@dataclass
class Rotation:
    """What was done. `unopened` says what does not open and stays as it is; `uses` how it is afterwards."""

    newest_id: str
    total: int = 0
    resealed: int = 0
    dropped: int = 0
    unopened: dict[tuple[str, int, str], str] = field(default_factory=dict)
    uses: list[KeyUse] = field(default_factory=list)

    @property
    def left(self) -> dict[str, int]:
        """Values by key id that are sealed otherwise than under the newest key."""
        return {use.key_id: use.values for use in self.uses if use.standing != "newest" and use.values}


def rotate_token_keys(
    *, by: Principal, on_progress: Callable[[Rotation], None] = lambda rotation: None, batch: int = BATCH
) -> Rotation:
    """Seal every stored secret under the newest key of this process's ring. Safe to repeat and to kill.

    `on_progress` is called after each batch of rows. Raises RotationRefused while a process may still seal
    with another ring (also in the middle: what is done stays done), KeyRingError when the ring is unusable.
    """
    ring = sealing.key_ring()
    rotation = Rotation(ring.newest_id, total=_behind(key_uses()))
    try:
        _refuse_beside_others()
        # Its own row: who is killed writes no other.
        _record(by, "token_key_rotation_started", rotation, "ok")
        _rotate(ring, rotation, on_progress, batch)
    except RotationRefused as refused:
        _record(by, "token_key_rotation", rotation, f"refused: {refused}")
        raise
    _record(by, "token_key_rotation", rotation, "incomplete" if rotation.left else "ok")
    return rotation


def _rotate(
    ring: sealing.KeyRing, rotation: Rotation, on_progress: Callable[[Rotation], None], batch: int
) -> None:
    for _ in range(_PASSES):
        for rows in _batches(ring.newest_id, batch):
            _refuse_beside_others()
            for row in rows:
                _reseal(ring, row, rotation)
            on_progress(rotation)
        if _behind(key_uses()) <= len(rotation.unopened):
            break
    _refuse_beside_others()
    rotation.uses = key_uses()


def _refuse_beside_others() -> None:
    others = processes.may_run_with_another_key_ring()
    if others:
        raise RotationRefused(others)


def _behind(uses: Sequence[KeyUse]) -> int:
    return sum(use.values for use in uses if use.standing != "newest")


def _record(by: Principal, action: str, rotation: Rotation, result: str) -> None:
    counts = {name: getattr(rotation, name) for name in ("total", "resealed", "dropped", "left")}
    record_act(
        by, action, organization_id=None, result=result,
        key=rotation.newest_id, unopened=len(rotation.unopened), **counts,
    )  # fmt: skip


def _batches(newest_id: str, size: int) -> Iterator[list[Model]]:
    """Rows with anything that is not sealed under this key, table by table, in the order of their ids."""
    fields: dict[type[Model], list[str]] = {}
    for model, name in sealed_fields():
        fields.setdefault(model, []).append(name)
    for model, names in fields.items():
        behind = Q()
        for name in names:
            behind |= ~Q(**{name: ""}) & ~Q(**{f"{name}__startswith": _prefix(newest_id)})
        last: Any = 0
        while True:
            rows = model._base_manager.filter(behind, pk__gt=last).select_related(*PLACES[model].related)
            found = list(rows.order_by("pk")[:size])
            if not found:
                break
            yield found
            last = found[-1].pk


def _prefix(key_id: str) -> str:
    return f"enc:v1:{key_id}:"


def _reseal(ring: sealing.KeyRing, row: Model, rotation: Rotation) -> None:
    """Every sealed value of the row; one that somebody else changes meanwhile is looked at again."""
    for model, name in sealed_fields():
        if isinstance(row, model):
            _reseal_value(ring, row, name, rotation)


def _reseal_value(ring: sealing.KeyRing, row: Model, name: str, rotation: Rotation) -> None:
    for _ in range(_TRIES):
        stored = getattr(row, name)
        if not stored or stored.startswith(_prefix(ring.newest_id)):
            return
        fresh = _fresh(ring, row, name, rotation)
        if fresh is None:
            return
        if type(row)._base_manager.filter(pk=row.pk, **{name: stored}).update(**{name: fresh}):
            rotation.resealed += bool(fresh)
            rotation.dropped += not fresh
            return
        changed = type(row)._base_manager.select_related(*PLACES[type(row)].related).filter(pk=row.pk).first()
        if changed is None:
            return
        row = changed


def _fresh(ring: sealing.KeyRing, row: Model, name: str, rotation: Rotation) -> str | None:
    """The value sealed anew; '' where it is to be dropped; None where it does not open and stays."""
    place = PLACES[type(row)]
    binding = place.binding(row, name)
    try:
        return ring.seal(ring.open(getattr(row, name), binding), binding)
    except sealing.CannotOpen as failure:
        if place.again:
            return ""
        rotation.unopened[type(row)._meta.db_table, row.pk, name] = f"{row}, {name}: {failure.reason}"
        logger.error("%s of %s stays under its old key: %s", name, row, failure)
        return None
