"""`doctor [--json]`"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ebayconnector.doctor import Finding, Level, diagnose
from ebayconnector.text_table import plain


class Command(BaseCommand):
    help = "Look at everything the product needs and say what to do; exit code 1 when there is a problem."
    # It reports what they find instead of refusing to start.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="{problems, warnings, findings}")

    def handle(self, *args: Any, **options: Any) -> None:
        findings = []
        for finding in diagnose():
            findings.append(finding)
            if not options["json"]:
                self._show(finding)
        counts = Counter(finding.level for finding in findings)
        problems, warnings = counts[Level.PROBLEM], counts[Level.WARNING]
        if options["json"]:
            document = {
                "problems": problems,
                "warnings": warnings,
                "findings": [asdict(finding) for finding in findings],
            }
            self.stdout.write(json.dumps(document, indent=2, ensure_ascii=False))
        else:
            self.stdout.write(f"problems: {problems}, warnings: {warnings}")
        if problems:
            raise CommandError(f"problems: {problems}")

    def _show(self, finding: Finding) -> None:
        """Each as soon as it is known: eBay may take its time."""
        style = {
            Level.OK: self.style.SUCCESS,
            Level.WARNING: self.style.WARNING,
            Level.PROBLEM: self.style.ERROR,
        }[finding.level]
        level = style(f"{finding.level.value:<8}")
        self.stdout.write(f"{level} {finding.what:<14} {plain(finding.detail)}")
        if finding.advice:
            self.stdout.write(f"{'':<8} {'':<14} → {plain(finding.advice)}")
        self.stdout.flush()
