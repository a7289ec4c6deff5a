"""`setup_signing_key [--environment] [--cipher] [--force] [--check]`"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.audit import record_act
from ebayconnector.ebay.errors import EbayError
from ebayconnector.ebay.signatures import CIPHERS
from tokens import wire
from tokens.management.arguments import COMMAND_LINE
from tokens.services.refresh import TokenUnavailable
from tokens.services.signing_setup import (
    KeySetUp,
    SigningKeyFailed,
    check_signing_key,
    set_up_signing_key,
)


class Command(BaseCommand):
    help = (
        "Create the key that signs calls to eBay for sellers in the EU and UK, unless there is a good one. "
        "Safe to repeat. With --check: test the key, and change nothing; exit code 1 when something fails."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--environment", choices=settings.EBAY_ENVIRONMENTS, help="default: all that have a keyset"
        )
        parser.add_argument(
            "--cipher", choices=CIPHERS, help="another than the present key's: a new one is created"
        )
        parser.add_argument("--force", action="store_true", help="create a new key in any case")
        parser.add_argument("--check", action="store_true", help="a self-test instead of the set-up")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["check"] and (options["force"] or options["cipher"]):
            raise CommandError("--check changes nothing: leave --force and --cipher away")
        failed = [name for name in _environments(options["environment"]) if not self._one(name, options)]
        if failed:
            raise CommandError(f"not well: {', '.join(failed)}")

    def _one(self, environment: str, options: dict[str, Any]) -> bool:
        """Whether all is well there; what is not has been said."""
        try:
            if options["check"]:
                return self._check(environment)
            self._set_up(environment, options["cipher"], force=options["force"])
        except (EbayError, TokenUnavailable, SigningKeyFailed, wire.ApplicationNotConfigured) as failure:
            self.stderr.write(f"{environment}: {failure}")
            return False
        return True

    def _set_up(self, environment: str, cipher: str | None, *, force: bool) -> None:
        result = set_up_signing_key(environment, cipher=cipher, force=force)
        if result.done == "created":
            record_act(
                COMMAND_LINE, "signing_key_created", organization_id=None, target=result.key,
                environment=environment, reason=result.reason,
            )  # fmt: skip
        self.stdout.write(f"{environment}: {_told(result)}")

    def _check(self, environment: str) -> bool:
        well = True
        for step in check_signing_key(environment):
            word = {True: "ok", False: "FAILED", None: "skipped"}[step.ok]
            self.stdout.write(f"{environment}: {word:<8} {step.what}: {step.detail}")
            well = well and step.ok is not False
        return well


def _environments(wanted: str | None) -> list[str]:
    if wanted:
        return [wanted]
    configured = [name for name in settings.EBAY_ENVIRONMENTS if _is_configured(name)]
    if not configured:
        raise CommandError("no environment has a keyset: set EBAY_<ENVIRONMENT>_CLIENT_ID and the others")
    return configured


def _is_configured(environment: str) -> bool:
    try:
        wire.application(environment)
    except wire.ApplicationNotConfigured:
        return False
    return True


def _told(result: KeySetUp) -> str:
    key = result.key
    name = f"{key.cipher} key {key.signing_key_id}, ends on {key.expires_at:%Y-%m-%d}"
    if result.done == "created":
        return f"created {name} ({result.reason})"
    return f"kept {name}" if result.done == "kept" else f"another process has just created {name}"
