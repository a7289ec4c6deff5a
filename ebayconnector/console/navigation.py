"""The console's side bar. Each item shows only to those who may open it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from accounts.access import Principal, principal_of_request
from accounts.models import Role
from accounts.notices import open_notices
from accounts.scoped_admin import may_somewhere
from syncworkers.registry import TABLES, WORKERS, Details

# title, icon, name of the address, role (None: superusers only)
_Item = tuple[str, str, str, str | None]


def _parts_of_pages() -> set[str]:
    """Tables that say more about a record by its own key: the record's page shows them."""
    steps = (step for worker in WORKERS.values() for step in worker.steps if isinstance(step, Details))
    return {step.into.key for step in steps if step.into.natural_key == step.of.natural_key}


def _data() -> tuple[_Item, ...]:
    """The tables of all families, in the registry's order, and the money view over some of them."""
    left_out = _parts_of_pages()
    tables = tuple(
        (table.title, "table_rows", f"syncworkers_{table.model._meta.model_name}_changelist", Role.VIEWER)
        for table in TABLES.values()
        if table.key not in left_out
    )
    return (*tables, ("Money", "account_balance", "syncworkers_moneyrow_changelist", Role.VIEWER))


_NOTICES = "accounts_notice_changelist"

_SECTIONS: tuple[tuple[str, tuple[_Item, ...]], ...] = (
    (
        "",
        (
            ("Dashboard", "dashboard", "index", Role.VIEWER),
            ("Notices", "notifications", _NOTICES, Role.VIEWER),
            ("Workers", "sync", "workers", Role.VIEWER),
            ("Quotas", "speed", "quotas", Role.VIEWER),
            ("Runs", "history", "syncworkers_workerrun_changelist", Role.VIEWER),
            ("Run logs", "notes", "syncworkers_workerlog_changelist", Role.VIEWER),
            ("Failed slices", "timeline", "syncworkers_failedslice_changelist", Role.VIEWER),
            ("Passes", "cycle", "syncworkers_snapshotpass_changelist", Role.VIEWER),
            ("Quarantine", "coronavirus", "syncworkers_quarantinedrecord_changelist", Role.VIEWER),
        ),
    ),
    (
        "Sniper",
        (
            ("Snipes", "gavel", "snipes", Role.VIEWER),
            ("New snipe", "add_circle", "new_snipe", Role.OPERATOR),
            ("From a CSV file", "upload_file", "bulk_snipes", Role.OPERATOR),
            ("Groups", "stacks", "snipe_groups", Role.VIEWER),
            ("Results", "monitoring", "snipe_totals", Role.VIEWER),
            ("Limits", "price_check", "snipe_limits", Role.VIEWER),
            ("All snipes", "list", "sniper_snipe_changelist", Role.VIEWER),
            ("Snipe logs", "notes", "sniper_snipeevent_changelist", Role.VIEWER),
        ),
    ),
    ("Data", _data()),
    (
        "Accounts",
        (
            ("eBay accounts", "storefront", "accounts_ebayaccount_changelist", Role.VIEWER),
            ("Connect an account", "add_link", "connect_account", Role.ADMIN),
            ("Connect links", "link", "tokens_connectticket_changelist", Role.ADMIN),
            ("Consent calendar", "event_upcoming", "consents", Role.VIEWER),
            ("Health checks", "ecg_heart", "tokens_healthcheck_changelist", Role.VIEWER),
            ("Deletions", "delete_history", "tokens_accountdeletion_changelist", Role.VIEWER),
            ("Refresh attempts", "key", "tokens_tokenrefreshlog_changelist", Role.VIEWER),
            ("Token terminal", "terminal", "terminal", Role.ADMIN),
            ("Connect log", "receipt_long", "tokens_connectlog_changelist", Role.ADMIN),
        ),
    ),
    (
        "Team",
        (
            ("Members", "group", "accounts_membership_changelist", Role.VIEWER),
            ("API keys", "vpn_key", "accounts_apikey_changelist", Role.ADMIN),
            ("Audit", "policy", "accounts_auditevent_changelist", Role.VIEWER),
        ),
    ),
    (
        "Installation",
        (
            ("Organisations", "domain", "accounts_organization_changelist", None),
            ("Logins", "person", "accounts_user_changelist", None),
            ("Refresh cycles", "autorenew", "tokens_refreshcycle_changelist", None),
            ("Periodic jobs", "schedule", "tokens_backgroundworker_changelist", None),
            ("Processes", "memory", "tokens_processheartbeat_changelist", None),
            ("Keys", "encrypted", "keys", None),
            ("From eBay", "inbox", "tokens_inboundnotification_changelist", None),
            ("Signing keys", "signature", "tokens_signingkey_changelist", None),
            ("Scopes", "lock_open", "tokens_scopedefinition_changelist", None),
            ("Failed jobs", "error", "django_q_failure_changelist", None),
            ("Finished jobs", "task_alt", "django_q_success_changelist", None),
            ("Queued jobs", "queue", "django_q_ormq_changelist", None),
            ("Job schedules", "calendar_clock", "django_q_schedule_changelist", None),
        ),
    ),
)


def _open_notices(principal: Principal) -> dict[str, Any]:
    """How many there are, beside the item; nothing when there is none."""
    number = open_notices(principal).count()
    return {"badge": str(number), "badge_variant": "danger", "badge_style": "solid"} if number else {}


def sections(request: HttpRequest) -> list[dict[str, Any]]:
    principal = principal_of_request(request)

    def may(role: str | None) -> bool:
        return principal.everywhere or (role is not None and may_somewhere(principal, role))

    def item(title: str, icon: str, name: str) -> dict[str, Any]:
        shown = {"title": title, "icon": icon, "link": reverse(f"admin:{name}")}
        return shown | _open_notices(principal) if name == _NOTICES else shown

    built = [
        {
            "title": title,
            "separator": bool(title),
            "items": [item(t, i, n) for t, i, n, role in items if may(role)],
        }
        for title, items in _SECTIONS
    ]
    return [section for section in built if section["items"]]
