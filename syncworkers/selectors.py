"""Questions about workers: may this one run, what is due, what does the board show."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Count, F, Func, IntegerField, Max, OuterRef, Q, Subquery, Sum
from django.utils import timezone

from accounts.models import EbayAccount
from tokens import scopes, wire
from tokens.models import ApiPause, ProcessHeartbeat
from tokens.status import account_status, token_of

from .models import (
    FailedSlice,
    QuarantinedRecord,
    Reason,
    RunStatus,
    SnapshotPart,
    SnapshotPass,
    SyncState,
    SyncSwitch,
    WorkerRun,
)
from .models.runs import ACTIVE
from .pace import history_time_left
from .ranges import Span
from .registry import WORKERS, Part, Windows, Worker
from .windows import Reach, complete_since, completeness, gaps, live_span

# Those of eBay's environments that a family may be missing in.
_EBAYS = ("production", "sandbox")
_REFUSAL_DOUBTED = timedelta(days=1)


def why_not(account: EbayAccount, worker: Worker, state: SyncState) -> Reason | None:
    """Why this worker may not run now; None when it may. A run that is active is not a reason here."""
    return _standing(account).refusal(worker, state)


@dataclass(frozen=True)
class _Standing:
    """What decides for all workers of an account whether they may run, looked up once."""

    account: EbayAccount
    status_code: str
    granted_scopes: list[str] | None
    consented_at: datetime | None
    stopped: bool
    paused_apis: frozenset[str]

    def refusal(self, worker: Worker, state: SyncState) -> Reason | None:
        granted, until = self.granted_scopes, state.breaker_until
        checks = (
            (not self.account.is_active, Reason.ACCOUNT_INACTIVE),
            (self.account.environment not in worker.environments, Reason.NOT_IN_ENVIRONMENT),
            (not self.account.workers_enabled or self.stopped, Reason.WORKERS_DISABLED),
            (not state.enabled, Reason.DISABLED),
            (self.status_code == "not_connected", Reason.NOT_CONNECTED),
            (self.status_code == "needs_reconnect", Reason.NEEDS_RECONNECT),
            (granted is not None and not scopes.covers(granted, worker.scopes), Reason.MISSING_SCOPE),
            (worker.api in self.paused_apis, Reason.PAUSED),
            (until is not None and until > timezone.now(), Reason.BREAKER_OPEN),
        )
        return next((reason for true, reason in checks if true), None)

    def held_parts(self, worker: Worker, state: SyncState) -> list[HeldPart]:
        """What does not run of a worker that does; empty for one that may not run at all."""
        if self.refusal(worker, state) is not None:
            return []
        held = (self.held_part(part, state) for part in worker.parts)
        return [each for each in held if each is not None]

    def held_part(self, part: Part, state: SyncState) -> HeldPart | None:
        granted = self.granted_scopes
        not_granted = granted is not None and not scopes.covers(granted, part.scopes)
        if not_granted or self._refused_lately(part, state):
            return HeldPart(part, Reason.MISSING_SCOPE)
        return HeldPart(part, Reason.PAUSED) if part.api in self.paused_apis else None

    def _refused_lately(self, part: Part, state: SyncState) -> bool:
        """eBay refused it although the consent says that it was granted; asked again after a day."""
        known = (state.refused_parts or {}).get(part.key)
        if known is None:
            return False
        at = datetime.fromisoformat(known)
        renewed = self.consented_at is not None and self.consented_at > at
        return not renewed and at > timezone.now() - _REFUSAL_DOUBTED


@dataclass(frozen=True)
class HeldPart:
    """A part of a worker that does not run while the rest does."""

    part: Part
    reason: Reason

    @property
    def text(self) -> str:
        """`Payment disputes are not read: reconnect to grant sell.payment.dispute.`"""
        if self.reason == Reason.MISSING_SCOPE:
            why = f"reconnect to grant {scope_names(self.part)}"
        else:
            why = self.reason.label
        return f"{self.part.title} are not read: {why}."


def held_part(account: EbayAccount, state: SyncState, part: Part) -> HeldPart | None:
    """Why this part of a worker that runs does not; None when it may."""
    return _standing(account).held_part(part, state)


def scope_names(needs: Worker | Part) -> str:
    return " or ".join(scope.rpartition("/")[2] for scope in needs.scopes)


def _standing(account: EbayAccount) -> _Standing:
    now, token = timezone.now(), token_of(account)
    pauses = ApiPause.objects.filter(environment=account.environment, until__gt=now)
    return _Standing(
        account=account,
        status_code=account_status(account, now=now).code,
        granted_scopes=token.granted_scopes if token else None,
        consented_at=token.consented_at if token else None,
        stopped=stopped_by(account) is not None,
        paused_apis=frozenset(
            pauses.filter(Q(account=None) | Q(account=account)).values_list("api", flat=True)
        ),
    )


def refusal_text(reason: Reason, worker: Worker) -> str:
    """Why the worker does not run, in words; a scope that was not granted by its name."""
    if reason == Reason.NOT_IN_ENVIRONMENT:
        missing = " or ".join(name for name in _EBAYS if name not in worker.environments)
        return f"Not available in {missing or 'this environment'}: eBay does not offer this API there"
    if reason == Reason.MISSING_SCOPE:
        return f"The account did not grant {scope_names(worker)}"
    return reason.label


def stopped_by(account: EbayAccount) -> SyncSwitch | None:
    """The BIG RED BUTTON that is pressed for this account: the installation's before the organisation's."""
    return (
        SyncSwitch.objects.filter(Q(organization=None) | Q(organization_id=account.organization_id))
        .filter(enabled=False)
        .order_by("organization_id")
        .last()
    )


@dataclass(frozen=True)
class Standstill:
    """How far a pressed button has come: runs that still end, or after what time all had stopped."""

    switch: SyncSwitch
    still_running: int
    stopped_after: timedelta | None


def standstill(switch: SyncSwitch) -> Standstill:
    """`stopped_after` is None while runs still end; zero when none was running."""
    runs = WorkerRun.objects.all()
    if switch.organization_id is not None:
        runs = runs.filter(account__organization_id=switch.organization_id)
    still_running = runs.filter(status=RunStatus.RUNNING).count()
    if still_running or switch.changed_at is None:
        return Standstill(switch, still_running, None)
    last = runs.filter(started_at__lte=switch.changed_at, finished_at__gte=switch.changed_at).aggregate(
        last=Max("finished_at")
    )["last"]
    return Standstill(switch, 0, last - switch.changed_at if last else timedelta(0))


def process_is_stopping(process_id: int | None) -> bool:
    return (
        process_id is not None
        and ProcessHeartbeat.objects.filter(pk=process_id, stopping_at__isnull=False).exists()
    )


@dataclass(frozen=True)
class Gap:
    """A part of the wanted time that is not complete; `why` is '' when it simply was not read yet."""

    span: Span
    why: str = ""
    retry_at: datetime | None = None


@dataclass(frozen=True)
class WorkerRow:
    """One line of the board: a worker with its last run and what people want to know of it.

    `time_left`: what its missing history still takes, while it runs; None when that is unknown. `pass_`: the
    open pass of what is read whole, with `listed` records so far; such a worker has no coverage and no gaps.
    `held_parts`: what does not run while the worker does.
    """

    worker: Worker
    state: SyncState
    run: WorkerRun | None
    refusal: Reason | None
    next_run_at: datetime | None
    lag: timedelta | None
    completeness: float
    complete_since: datetime | None
    gaps: list[Gap]
    pass_: SnapshotPass | None
    listed: int
    wanted_since: datetime
    time_left: timedelta | None
    quarantined: int
    held_parts: list[HeldPart] = field(default_factory=list)

    @property
    def active(self) -> bool:
        return self.run is not None and self.run.status in ACTIVE

    @property
    def read_whole(self) -> bool:
        return not isinstance(self.worker.reads, Windows)

    @property
    def failed(self) -> bool:
        """Whether its last run failed; what was not granted is no failure of a run."""
        failed = self.run is not None and self.run.status in (RunStatus.ERROR, RunStatus.ABANDONED)
        return failed and self.refusal != Reason.MISSING_SCOPE

    @property
    def dot(self) -> str:
        """grey: off; blue: at work; red: the last run failed; amber: partial or held back; green: fine."""
        if not self.state.enabled:
            return "grey"
        if self.run is not None and self.run.status == RunStatus.RUNNING:
            return "blue"
        if self.failed:
            return "red"
        incomplete = self.run is not None and self.run.status in (RunStatus.PARTIAL, RunStatus.SKIPPED)
        if self.refusal or incomplete or self.quarantined or self.held_parts:
            return "amber"
        return "green" if self.state.last_success_at else "grey"


def progress_of(run: WorkerRun) -> float | None:
    """How far an active run is, from 0 to 1; None while nothing says it: eBay's totals are of records that
    are listed, and some families ask about each of them too.
    """
    worker = WORKERS.get(run.api_family)
    by_time = worker is None or isinstance(worker.reads, Windows)
    known = by_time and 0 < run.rows_expected >= run.rows_fetched
    return run.rows_fetched / run.rows_expected if known else None


def worker_board(account: EbayAccount) -> list[WorkerRow]:
    """All families of an account, in the registry's order.

    As many queries for many families as for few; two more for each run that is at work on old data.
    """
    states = {state.api_family: state for state in SyncState.objects.filter(account=account)}
    latest = (
        WorkerRun.objects.filter(account=account, api_family=OuterRef("api_family"))
        .order_by("-id")
        .values("id")
    )
    runs = {run.api_family: run for run in WorkerRun.objects.filter(account=account, id=Subquery(latest[:1]))}
    facts = _Facts.of(account)
    return [
        _row(facts, worker, states.get(key) or _unsaved_state(account, worker), runs.get(key))
        for key, worker in WORKERS.items()
    ]


@dataclass(frozen=True)
class _Facts:
    """What the rows of the board are made from, by family."""

    standing: _Standing
    passes: dict[str, SnapshotPass]
    listed: dict[str, int]
    failed: dict[str, list[FailedSlice]]
    quarantined: dict[str, int]
    now: datetime

    @classmethod
    def of(cls, account: EbayAccount) -> _Facts:
        failed: dict[str, list[FailedSlice]] = defaultdict(list)
        for slice_ in FailedSlice.objects.filter(account=account):
            failed[slice_.api_family].append(slice_)
        quarantined = (
            QuarantinedRecord.objects.filter(account=account, healed_at=None)
            .order_by()
            .values_list("api_family")
            .annotate(Count("id"))
        )
        passes = SnapshotPass.objects.filter(account=account, finished_at=None)
        return cls(
            standing=_standing(account),
            passes={pass_.api_family: pass_ for pass_ in passes},
            listed=_listed(account),
            failed=failed,
            quarantined=dict(quarantined),
            now=wire.clock(account.environment).now(),
        )


def _listed(account: EbayAccount) -> dict[str, int]:
    """How many records open passes have listed so far, by family, while their list is not complete."""
    parts = SnapshotPart.objects.filter(
        snapshot_pass__account=account, snapshot_pass__finished_at=None, snapshot_pass__listed_at=None
    )
    size = Func(F("row_ids"), function="cardinality", output_field=IntegerField())
    return dict(parts.order_by().values_list("snapshot_pass__api_family").annotate(listed_total=Sum(size)))


def _unsaved_state(account: EbayAccount, worker: Worker) -> SyncState:
    """A worker that the tick has not written yet; shown as it will start."""
    return SyncState(
        account=account,
        api_family=worker.key,
        cursor_type=worker.cursor_type,
        enabled=account.purpose in worker.purposes,
        covered=[],
    )


def _row(facts: _Facts, worker: Worker, state: SyncState, run: WorkerRun | None) -> WorkerRow:
    now = facts.now
    reach = Reach(state.wanted_from, worker.backfill, worker.longest_lookback)
    refusal = facts.standing.refusal(worker, state)
    by_time = isinstance(worker.reads, Windows)
    missing = _gaps(state, worker, facts.failed.get(worker.key, []), reach, now) if by_time else []
    pass_ = None if by_time else facts.passes.get(worker.key)
    complete_until = state.complete_until
    return WorkerRow(
        worker=worker,
        state=state,
        run=run,
        refusal=refusal,
        next_run_at=None if refusal else state.next_run_at,
        lag=now - complete_until if complete_until else None,
        completeness=completeness(state.covered, reach=reach, now=now) if by_time else _share(pass_, state),
        complete_since=complete_since(state.covered),
        gaps=missing,
        pass_=pass_,
        listed=_listed_of(pass_, facts),
        wanted_since=reach.since(state.covered, now),
        time_left=_time_left(state, worker, run, missing, reach, now),
        quarantined=facts.quarantined.get(worker.key, 0),
        held_parts=facts.standing.held_parts(worker, state),
    )


def _listed_of(pass_: SnapshotPass | None, facts: _Facts) -> int:
    if pass_ is None:
        return 0
    return pass_.listed if pass_.listed_at else facts.listed.get(pass_.api_family, 0)


def _share(pass_: SnapshotPass | None, state: SyncState) -> float:
    """How much of everything the last complete pass or, before there was one, the open pass has read."""
    if state.snapshot_at is not None:
        return 1.0
    if pass_ is None or not pass_.total:
        return 0.0
    return pass_.asked / pass_.total if pass_.listed_at else 0.0


def _gaps(
    state: SyncState, worker: Worker, failed: list[FailedSlice], reach: Reach, now: datetime
) -> list[Gap]:
    live = live_span(state.covered, now=now, overlap=worker.overlap, reach=reach)
    untold = gaps(state.covered, live=live, reach=reach, now=now, waiting=[slice_.span for slice_ in failed])
    known = [Gap(slice_.span, Reason(slice_.reason).label, slice_.retry_at) for slice_ in failed]
    return sorted([*known, *(Gap(span) for span in untold)], key=lambda gap: gap.span.start, reverse=True)


def _time_left(
    state: SyncState, worker: Worker, run: WorkerRun | None, missing: list[Gap], reach: Reach, now: datetime
) -> timedelta | None:
    """None unless a run is at work. A failed part waits for its next try and is not read before."""
    if run is None or run.status != RunStatus.RUNNING:
        return None
    live = live_span(state.covered, now=now, overlap=worker.overlap, reach=reach)
    due = [gap.span for gap in missing if gap.retry_at is None or gap.retry_at <= timezone.now()]
    return history_time_left(state, missing=due, history=Span(reach.since(state.covered, now), live.start))
