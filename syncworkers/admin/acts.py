"""The buttons of the Workers page. Each POST answers JSON to the page's script, or redirects without it."""

from __future__ import annotations

from django.http import Http404, HttpRequest
from django.urls import reverse

from accounts.access import Principal
from accounts.console_acts import Said, acting
from accounts.display import clock
from accounts.models import EbayAccount, Organization
from accounts.scoped_admin import visible_or_404
from syncworkers.models import Reason, WorkerRun
from syncworkers.registry import WORKERS, Worker
from syncworkers.services import by_hand, history
from syncworkers.services.runs import Requested, reset_breaker
from syncworkers.services.switches import press_red_button, set_account_workers, set_worker_enabled
from tokens.models import CheckedBy
from tokens.services.by_hand import refresh_by_hand
from tokens.services.health import CannotCheck, check_by_hand
from tokens.services.refresh import RefreshUnderWay

from .words import refusal_words


def _back(request: HttpRequest) -> str:
    account = request.POST.get("account", "")
    query = f"?account={account}" if account.isdecimal() else ""
    return reverse("admin:workers") + query


act = acting(_back)


def _worker(family: str) -> Worker:
    try:
        return WORKERS[family]
    except KeyError:
        raise Http404 from None


def _wanted(request: HttpRequest) -> bool:
    """The position that a switch is to have: `enabled` is `1` or `0`."""
    return request.POST.get("enabled") == "1"


@act
def run_worker(request: HttpRequest, principal: Principal, account_id: int, family: str) -> Said:
    account, worker = visible_or_404(EbayAccount, principal, account_id), _worker(family)
    return _run_words(worker, by_hand.run_now(account, worker, by=principal))


@act
def heal_gap(request: HttpRequest, principal: Principal, account_id: int, family: str) -> Said:
    """`span` is the gap as an ISO 8601 interval."""
    account, worker = visible_or_404(EbayAccount, principal, account_id), _worker(family)
    try:
        start, end = history.span_named(request.POST.get("span", ""))
        return _run_words(worker, history.heal_gap(account, worker, start, end, by=principal))
    except history.UnusableSpan as unusable:
        return Said(f"Nothing was changed: {unusable}.", "error", 400)


@act
def try_now(request: HttpRequest, principal: Principal, account_id: int, family: str) -> Said:
    account, worker = visible_or_404(EbayAccount, principal, account_id), _worker(family)
    return _run_words(worker, reset_breaker(account, worker, by=principal))


def _run_words(worker: Worker, requested: Requested) -> Said:
    if requested.started:
        return Said(f"{worker.title}: a run is queued.")
    if requested.reason == Reason.ALREADY_RUNNING:
        return Said(f"{worker.title}: already running{_since(requested.run_id)}.", "info")
    reason = refusal_words(requested.reason, worker) if requested.reason else "it was not started"
    return Said(f"{worker.title} was not started. {reason}", "warning")


def _since(run_id: int | None) -> str:
    run = WorkerRun.objects.filter(pk=run_id).first() if run_id is not None else None
    return f" since {clock(run.started_at or run.queued_at)}" if run else ""


@act
def run_all(request: HttpRequest, principal: Principal, account_id: int) -> Said:
    account = visible_or_404(EbayAccount, principal, account_id)
    results = by_hand.run_all(account, by=principal)
    if not results:
        return Said("All workers of this account are switched off; nothing was started.", "warning")
    started = [key for key, requested in results.items() if requested.started]
    others = [_run_words(WORKERS[key], one).text for key, one in results.items() if not one.started]
    first = f"{len(started)} of {len(results)} workers queued."
    return Said(" ".join([first, *others]), "success" if started else "info")


@act
def switch_worker(request: HttpRequest, principal: Principal, account_id: int, family: str) -> Said:
    account, worker, wanted = (
        visible_or_404(EbayAccount, principal, account_id),
        _worker(family),
        _wanted(request),
    )
    set_worker_enabled(account, worker, wanted, by=principal)
    return Said(f"{worker.title} is switched {'on' if wanted else 'off'}.")


@act
def switch_account(request: HttpRequest, principal: Principal, account_id: int) -> Said:
    account, wanted = visible_or_404(EbayAccount, principal, account_id), _wanted(request)
    set_account_workers(account, wanted, by=principal)
    if wanted:
        return Said(f"The workers of {account.house_name} go on; due ones start within two minutes.")
    return Said(f"The workers of {account.house_name} are switched off.")


@act
def refresh_token(request: HttpRequest, principal: Principal, account_id: int) -> Said:
    account = visible_or_404(EbayAccount, principal, account_id)
    result = refresh_by_hand(account, by=principal, debug="debug" in request.POST)
    if result.success:
        return Said(f"The token of {account.house_name} is refreshed.")
    return Said(f"The token was not refreshed. {result.error_code}: {result.error_text}", "warning")


@act
def check_health(request: HttpRequest, principal: Principal, account_id: int) -> Said:
    account = visible_or_404(EbayAccount, principal, account_id)
    call = CheckedBy.TRADING if request.POST.get("call") == "trading" else CheckedBy.IDENTITY
    try:
        check = check_by_hand(account, call=call, by=principal)
    except (CannotCheck, RefreshUnderWay) as failure:
        return Said(f"Nothing was asked: {failure}.", "warning")
    if check.ok:
        return Said(f"{account.house_name} is well: eBay answered within {check.latency_ms} ms.")
    return Said(f"{account.house_name} is not well. {check.error_code}: {check.error}", "warning")


@act
def cancel_run(request: HttpRequest, principal: Principal, run_id: int) -> Said:
    run = visible_or_404(WorkerRun, principal, run_id, related=("account",))
    if by_hand.cancel(run, by=principal):
        return Said("Cancelled. A running one ends at its next page; what is stored stays.")
    return Said("The run had ended already.", "info")


@act
def red_button(request: HttpRequest, principal: Principal, organization_id: int) -> Said:
    organization = visible_or_404(Organization, principal, organization_id)
    return _press(request, principal, organization)


@act
def installation_button(request: HttpRequest, principal: Principal) -> Said:
    return _press(request, principal, None)


def _press(request: HttpRequest, principal: Principal, organization: Organization | None) -> Said:
    release, reason = _wanted(request), request.POST.get("reason", "").strip()
    if not release and not reason:
        return Said("Nothing was stopped: give a reason, so that others know why.", "error", 400)
    press_red_button(organization, enabled=release, reason=reason, by=principal)
    of = organization.name if organization else "the whole installation"
    if release:
        return Said(f"The workers of {of} go on; due ones start within two minutes.")
    return Said(f"All workers of {of} are stopped. Running ones end at their next page.", "warning")
