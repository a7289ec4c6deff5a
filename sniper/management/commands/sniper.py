from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ebayconnector.processes import stop_flag
from sniper.claims.sql import keep_alive
from sniper.executor.loop import Executor
from sniper.executor.vitals import clocks_of_this_machine
from sniper.selectors import running_executors


class Command(BaseCommand):
    help = (
        "Run a sniper executor; two may run beside each other, for the one that dies. SIGTERM or Ctrl-C "
        "stops it: what is claimed by then is still sent. --paper does everything but bid."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--paper", action="store_true", help="send a probe instead of the bid")

    def handle(self, *args: Any, **options: Any) -> None:
        keep_alive()
        paper = options["paper"]
        others = [one for one in running_executors() if one.is_paper != paper]
        if others:
            kind = "without" if paper else "with"
            raise CommandError(
                f"an executor {kind} --paper runs on {others[0].host} (pid {others[0].pid}): "
                "it would depend on chance which of them takes a snipe"
            )
        stop = stop_flag()
        executor = Executor(paper=paper)
        executor.deck.known_clocks = clocks_of_this_machine()
        executor.run(stop)
