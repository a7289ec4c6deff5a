"""Changing a snipe and its group in one go, as doors offer it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from accounts.access import Principal
from sniper.models import Snipe

from .change import edit_snipe
from .groups import move_to_group


def revise_snipe(snipe: Snipe, changes: Mapping[str, Any], *, by: Principal) -> Snipe:
    """`changes`: any of `max_bid_amount seconds_before_end comment group`; all of them hold or none.

    `group` None takes it out of its group. Role operator; raises NotAllowed and SnipeRefused.
    """
    rest = {name: value for name, value in changes.items() if name != "group"}
    with transaction.atomic():
        edit_snipe(snipe, by=by, **rest)
        if "group" in changes and changes["group"] != snipe.group:
            move_to_group(snipe, changes["group"], by=by)
    return snipe
