from typing import Any

from django.core.management.base import BaseCommand

from ebayconnector.schedules import JOBS, write_schedules


class Command(BaseCommand):
    help = "Write the periodic jobs of ebayconnector/schedules.py; safe to repeat."

    def handle(self, *args: Any, **options: Any) -> None:
        for line in write_schedules():
            self.stdout.write(line)
        self.stdout.write(f"{len(JOBS)} schedules are in place")
