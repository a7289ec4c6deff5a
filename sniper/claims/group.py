"""The claim of a group's snipes: read, decide, and claim upon exactly what was read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sniper.grouping import Move, Sibling, judge
from sniper.models import SnipeReason, SnipeStatus

from .fire import Claim, Due, claim, read_group
from .record import give_up
from .sql import Connection


@dataclass(frozen=True, slots=True)
class GroupClaims:
    """`waits`: by snipe why it may not be fired now; those that were let pass for good are in neither."""

    claims: list[Claim]
    waits: dict[int, str] = field(default_factory=dict)


def claim_of_group(
    connection: Connection, group_id: int, wanted: Sequence[Due], *, owner: str, paper: bool
) -> GroupClaims:
    """Fire what the group still wants, let pass what it never will. A claim of somebody else meanwhile voids
    ours: all of it is decided anew the next time."""
    state = read_group(connection, group_id)
    if state is None:
        return GroupClaims(claim(connection, wanted, owner=owner, paper=paper))
    siblings, fire = dict(state.siblings), []
    waits: dict[int, str] = {}
    passes: dict[int, str] = {}
    for due in sorted(wanted, key=lambda due: (due.fire_at, due.snipe_id)):
        others = [one for snipe_id, one in siblings.items() if snipe_id != due.snipe_id]
        verdict = judge(state.rules, others, due.maximum)
        if verdict.move == Move.FIRE:
            fire.append(due)
            siblings[due.snipe_id] = Sibling(SnipeStatus.FIRING, due.maximum)
        else:
            (waits if verdict.move == Move.WAIT else passes)[due.snipe_id] = verdict.reason
    claims: list[Claim] = []
    if fire:
        claims = claim(connection, fire, owner=owner, paper=paper, group=group_id, version=state.version)
    if not all(found.claimed for found in claims):
        # What was to be fired beside them was not.
        return GroupClaims(claims, waits | passes)
    _let_pass(connection, passes)
    return GroupClaims(claims, waits)


def _let_pass(connection: Connection, passes: Mapping[int, str]) -> None:
    for snipe_id, reason in passes.items():
        give_up(
            connection, snipe_id, status=SnipeStatus.SKIPPED, reason=reason,
            message=SnipeReason(reason).label, event_type="skipped",
        )  # fmt: skip
