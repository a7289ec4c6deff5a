import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from ebayconnector.clusters import ClusterGuard, cluster_names


class Command(BaseCommand):
    help = "Run a django-q2 cluster under its guard: core, tokens or sync. SIGTERM or Ctrl-C stops it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", choices=cluster_names())

    def handle(self, *args: Any, **options: Any) -> None:
        sys.exit(ClusterGuard(options["name"]).run())
