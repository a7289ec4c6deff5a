import os
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser


class Command(BaseCommand):
    help = "Run the small eBay that demo and tests talk to (development only)."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8900)
        parser.add_argument("--orders", type=int, default=400, help="orders per seller")

    def handle(self, *args: Any, **options: Any) -> None:
        module = [sys.executable, "-m", "ebayconnector.simulator"]
        arguments = ["--port", str(options["port"]), "--orders", str(options["orders"])]
        os.execv(sys.executable, [*module, *arguments])
