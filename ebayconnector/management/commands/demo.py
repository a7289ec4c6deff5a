from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ebayconnector import demo
from ebayconnector.embedded_postgres import EmbeddedPostgresError


class Command(BaseCommand):
    help = (
        "The whole product on this machine against the simulator; --once: one cycle, a table, an exit code."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="one full cycle on fresh data, then exit")

    def handle(self, *args: Any, **options: Any) -> None:
        run = demo.run_once if options["once"] else demo.run_forever
        try:
            run(lambda text: self.stdout.write(text) or self.stdout.flush())
        except (demo.DemoFailed, EmbeddedPostgresError) as failure:
            raise CommandError(str(failure)) from failure
