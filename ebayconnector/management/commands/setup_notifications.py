from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.access import SYSTEM
from accounts.audit import record_act
from ebayconnector.topics import TOPICS
from tokens.services.notification_setup import SetupFailed, ask_for_test, set_up_notifications


class Command(BaseCommand):
    help = (
        "Tell eBay to send account deletions and revoked consents to EBAY_NOTIFICATION_ENDPOINT. Safe to "
        "repeat; the web process must be reachable from outside meanwhile, for eBay asks it a challenge."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--environment", choices=settings.EBAY_ENVIRONMENTS, default=settings.EBAY_ENVIRONMENT
        )
        parser.add_argument("--email", default="", help="whom eBay tells when it cannot deliver")
        parser.add_argument("--test", action="store_true", help="let eBay send a test of each topic")

    def handle(self, *args: Any, **options: Any) -> None:
        environment: str = options["environment"]
        try:
            done = set_up_notifications(environment, topics=tuple(TOPICS), email=options["email"]).done
            tests = ask_for_test(environment) if options["test"] else 0
        except SetupFailed as failure:
            raise CommandError(f"{environment}: {failure}") from failure
        record_act(
            SYSTEM, "notifications_set_up", organization_id=None, environment=environment, changed=len(done)
        )
        for line in done or ["everything was right already"]:
            self.stdout.write(f"{environment}: {line}")
        if tests:
            self.stdout.write(
                f"{environment}: eBay will send {tests} tests; see Notifications in the console"
            )
