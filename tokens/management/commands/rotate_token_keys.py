"""`rotate_token_keys`"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ebayconnector.text_table import plain
from tokens import sealing
from tokens.key_use import KeyUse, key_uses
from tokens.management.arguments import COMMAND_LINE
from tokens.services.key_rotation import Rotation, RotationRefused, rotate_token_keys


class Command(BaseCommand):
    help = (
        "Seal every stored secret under the newest key of TOKEN_ENCRYPTION_KEYS, while everything runs. May "
        "be killed and started again at any moment. Exit code 1 unless nothing is left under another key."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            for use in key_uses():
                self.stdout.write(_line(use))
            rotation = rotate_token_keys(by=COMMAND_LINE, on_progress=self._progress)
        except (RotationRefused, sealing.KeyRingError) as refused:
            raise CommandError(f"not rotated: {refused}") from refused
        self._conclude(rotation)

    def _progress(self, rotation: Rotation) -> None:
        done = rotation.resealed + rotation.dropped + len(rotation.unopened)
        self.stdout.write(f"{done} of {max(rotation.total, done)} values done")
        self.stdout.flush()

    def _conclude(self, rotation: Rotation) -> None:
        self.stdout.write(f"{rotation.resealed} values were sealed anew under key {rotation.newest_id}")
        if rotation.dropped:
            self.stdout.write(
                f"{rotation.dropped} application tokens that do not open were dropped; they are fetched anew"
            )
        for text in rotation.unopened.values():
            self.stderr.write(plain(text))
        if rotation.left:
            left = ", ".join(f"{count} under {key or 'no key'}" for key, count in rotation.left.items())
            raise CommandError(
                f"left: {left}; put a missing key back, or reconnect the accounts named, and run this again"
            )
        for use in rotation.uses[1:]:
            self.stdout.write(f"nothing is left under key {use.key_id}: take it out of TOKEN_ENCRYPTION_KEYS")


def _line(use: KeyUse) -> str:
    where = ", ".join(f"{place} {count}" for place, count in sorted(use.places.items()))
    return (
        f"key {use.key_id or '(none)'} {use.standing:<10} {use.values} values{f': {where}' if where else ''}"
    )
