"""The demo's people and accounts, made through the same doors as in life (used by `demo`)."""

from __future__ import annotations

import json
import re
import time
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import requests
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.access import SYSTEM
from accounts.models import EbayAccount, Organization, Purpose, Role, User
from accounts.services import add_member
from ebayconnector.ebay.endpoints import SCOPE_OFFER_AUCTION
from syncworkers.models import WorkerRun
from syncworkers.models.runs import ACTIVE
from syncworkers.registry import families_for
from tokens.models import ScopeDefinition
from tokens.services.connect import create_connect_link

PASSWORD = "demo-password"
_LOOK_S = 10.0
ORGANIZATIONS = {"Alpha Trading": "alpha", "Beta Goods": "beta"}
# house name, organisation, purpose, which of the simulator's sellers; all of them buy there as well
ACCOUNTS = (
    ("Warehouse-A", "Alpha Trading", Purpose.BOTH, 0),
    ("Outlet-DE", "Alpha Trading", Purpose.SELLER, 2),
    ("Beta-Shop", "Beta Goods", Purpose.BOTH, 1),
)


class Command(BaseCommand):
    help = (
        "Make the demo's organisations, people and connected accounts; prints them as JSON. Safe to repeat."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--runs",
            action="store_true",
            help="print each worker's first load instead, when all have ended or after ten seconds",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.EBAY_ENVIRONMENT != "simulator":
            raise CommandError("this is for the demo only (EBAY_ENVIRONMENT=simulator)")
        self.stdout.write(json.dumps(_watched_loads() if options["runs"] else _people_and_accounts()))


def _people_and_accounts() -> list[dict[str, str]]:
    hashed = make_password(PASSWORD)  # once: slow on purpose
    people = [_person("root", "superuser of the installation", hashed, superuser=True)]
    for name, short in ORGANIZATIONS.items():
        organization, _ = Organization.objects.get_or_create(name=name)
        for role in Role:
            person = _person(f"{short}-{role.value}", f"{role.value} of {name}", hashed)
            add_member(
                organization=organization,
                user=User.objects.get(username=person["username"]),
                role=role,
                by=SYSTEM,
            )
            people.append(person)
    _allow_bids()
    sellers = requests.get(f"{settings.EBAY_SIMULATOR_URL}/_sim/sellers", timeout=10).json()["sellers"]
    for house_name, organization_name, purpose, number in ACCOUNTS:
        organization = Organization.objects.get(name=organization_name)
        _connect(house_name, organization, purpose, sellers[number]["username"])
    return people


def _person(username: str, role: str, hashed: str, *, superuser: bool = False) -> dict[str, str]:
    User.objects.get_or_create(
        username=username,
        defaults={
            "is_staff": True, "is_superuser": superuser, "email": f"{username}@example.com",
            "password": hashed,
        },
    )  # fmt: skip
    return {"username": username, "password": PASSWORD, "role": role}


def _allow_bids() -> None:
    """As if eBay had approved the bidding API: its keyset has the scope, and our consents ask for it."""
    access = f"{settings.EBAY_SIMULATOR_URL}/_sim/bidding/access"
    requests.post(access, json={}, timeout=10).raise_for_status()
    ScopeDefinition.objects.filter(scope=SCOPE_OFFER_AUCTION).update(is_active=True)


def _connect(house_name: str, organization: Organization, purpose: Purpose, seller: str) -> None:
    """Drive the consent page as a person would. A simulator that was restarted knows no tokens any more,
    so that an account of an earlier demo is reconnected."""
    account = EbayAccount.objects.filter(organization=organization, house_name=house_name).first()
    _, link = create_connect_link(
        organization=organization,
        house_name=house_name,
        purpose=purpose,
        environment="simulator",
        by=SYSTEM,
        account=account,
    )
    browser = requests.Session()
    page = browser.get(link, timeout=30)
    consent_id = re.search(r'name="consent_id" value="([^"]+)"', page.text)
    if not consent_id:
        raise CommandError(f"the consent page did not open ({page.status_code})")
    parts = urlsplit(page.url)
    answer = browser.post(
        f"{parts.scheme}://{parts.netloc}/oauth2/consent",
        data={"consent_id": consent_id[1], "seller": seller, "decision": "agree"},
        timeout=60,
    )
    if not answer.ok:
        raise CommandError(f"{house_name} was not connected ({answer.status_code})")


def _watched_loads() -> list[dict[str, Any]]:
    """Looks for a while: the start of a process costs more than all its looks."""
    until = time.monotonic() + _LOOK_S
    while True:
        loads = _first_loads()
        if time.monotonic() > until or (loads and all(load["ended"] for load in loads)):
            return loads
        time.sleep(0.5)


def _first_loads() -> list[dict[str, Any]]:
    """A row for every worker that is switched on, also for one that has not run yet: its runs until all was
    read for the first time. A run that gave way is followed by another one."""
    loads: dict[tuple[int, str], list[WorkerRun]] = {}
    for run in WorkerRun.objects.order_by("id"):
        load = loads.setdefault((run.account_id, run.api_family), [])
        if not load or load[-1].more:
            load.append(run)
    return [
        _load_row(account, family, loads[account.pk, family])
        if (account.pk, family) in loads
        else _waiting_row(account, family)
        for account in EbayAccount.objects.filter(is_active=True).order_by("pk")
        for family in families_for(account.purpose)
    ]


def _waiting_row(account: EbayAccount, family: str) -> dict[str, Any]:
    return {
        "account": account.house_name, "family": family, "fetched": 0, "stored": 0, "unchanged": 0,
        "duration": "", "status": "not run", "error": "", "ended": False,
    }  # fmt: skip


def _load_row(account: EbayAccount, family: str, runs: list[WorkerRun]) -> dict[str, Any]:
    last = runs[-1]
    spent = [(run.finished_at or timezone.now()) - (run.started_at or run.queued_at) for run in runs]
    return {
        "account": account.house_name,
        "family": family,
        "fetched": sum(run.rows_fetched for run in runs),
        "stored": sum(run.rows_stored for run in runs),
        "unchanged": sum(run.rows_unchanged for run in runs),
        "duration": f"{sum(spent, timedelta()).total_seconds():.1f} s",
        "status": last.status,
        "error": last.error,
        "ended": last.status not in ACTIVE and not last.more,
    }
