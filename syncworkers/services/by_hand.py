"""What a person or machine asks of workers: the role it needs, the act, its audit row."""

from __future__ import annotations

from accounts.access import Principal
from accounts.audit import record_act
from accounts.models import EbayAccount, Role
from syncworkers.models import SyncState, Trigger, WorkerRun
from syncworkers.registry import WORKERS, Worker

from .runs import Requested, cancel_run, request_run


def run_now(
    account: EbayAccount, worker: Worker, *, by: Principal, trigger: Trigger = Trigger.MANUAL
) -> Requested:
    """Run this worker now, or say why not. Role operator; raises NotAllowed."""
    by.require(Role.OPERATOR, account.organization_id)
    requested = request_run(account, worker, trigger=trigger, by=by.label)
    record_act(
        by, "run", organization_id=account.organization_id, target=account, family=worker.key,
        result=requested.words, run_id=requested.run_id,
    )  # fmt: skip
    return requested


def run_all(account: EbayAccount, *, by: Principal) -> dict[str, Requested]:
    """Run every family of the account that is switched on; the answers by family. Role operator.

    Empty when all are switched off. Raises NotAllowed.
    """
    by.require(Role.OPERATOR, account.organization_id)
    requests = {
        worker.key: request_run(account, worker, trigger=Trigger.RUN_ALL, by=by.label)
        for worker in _switched_on(account)
    }
    started = sum(requested.started for requested in requests.values())
    record_act(
        by, "run_all", organization_id=account.organization_id, target=account,
        result=f"{started} of {len(requests)} started",
        families={family: requested.words for family, requested in requests.items()},
    )  # fmt: skip
    return requests


def _switched_on(account: EbayAccount) -> list[Worker]:
    """A worker without a row yet starts as the account's purpose says."""
    switches = dict(SyncState.objects.filter(account=account).values_list("api_family", "enabled"))
    return [
        worker for worker in WORKERS.values() if switches.get(worker.key, account.purpose in worker.purposes)
    ]


def cancel(run: WorkerRun, *, by: Principal) -> bool:
    """End a queued run now, a running one at its next page; False when it had ended already.

    Role operator; raises NotAllowed.
    """
    by.require(Role.OPERATOR, run.account.organization_id)
    cancelled = cancel_run(run, by=by.label)
    record_act(
        by, "run_cancelled", organization_id=run.account.organization_id, target=run, family=run.api_family,
        result="ok" if cancelled else "it had ended already",
    )  # fmt: skip
    return cancelled
