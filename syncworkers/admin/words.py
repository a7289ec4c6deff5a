"""What the board says about a worker, in words: status, lag, completeness, errors and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from accounts.display import clock, from_now, length
from syncworkers.models import Reason, RunStatus, Trigger, WorkerRun
from syncworkers.registry import Worker
from syncworkers.selectors import WorkerRow, progress_of, refusal_text

ADVICE = {
    Reason.ALREADY_RUNNING: "Wait for it or cancel it.",
    Reason.DISABLED: "Switch the worker on.",
    Reason.WORKERS_DISABLED: "Switch the account's workers on, or resume after the red button.",
    Reason.ACCOUNT_INACTIVE: "An admin can activate it on the account's page.",
    Reason.NOT_CONNECTED: "An admin must connect the account.",
    Reason.NEEDS_RECONNECT: "An admin must reconnect the account.",
    Reason.MISSING_SCOPE: "An admin must reconnect the account to grant it.",
    Reason.PAUSED: "Nothing to do: it goes on by itself.",
    Reason.QUOTA: "It goes on when eBay's day begins anew.",
    Reason.BREAKER_OPEN: "Press “Try now”, or wait; its last error says the cause.",
    Reason.NOT_IN_ENVIRONMENT: "Nothing to do in this environment.",
    Reason.CANCELLED: "Press “Run now” to go on from where it ended.",
    Reason.CLUSTER_STOPPING: "Nothing to do: the rest follows.",
    Reason.SILENT: "It is asked again by itself. If it repeats, look at the clusters.",
    Reason.LIST_CUT: "What is listed is kept up to date, nothing is taken for ended.",
    Reason.DRIFT: "The gap is read again by itself.",
    Reason.QUARANTINE: "Look at the quarantined records; they are tried again by themselves.",
    Reason.EBAY_UNAVAILABLE: "It is tried again by itself.",
    Reason.EBAY_REFUSED: "Read the run's log; if it repeats, report it with that log.",
    Reason.SIGNATURE_REFUSED: "The installation's administrator runs `manage.py setup_signing_key`.",
    Reason.TOKEN_UNAVAILABLE: "Press “Refresh token”; the terminal shows eBay's answer.",
    Reason.BAD_CURSOR: "Set it with `manage.py sync FAMILY --since DATE`, or through the API.",
    Reason.INTERNAL_ERROR: "The next run tries again. If it repeats, report it with the run's log.",
}


def advice(reason: str) -> str:
    return ADVICE[Reason(reason)] if reason in ADVICE else ""


def refusal_words(reason: Reason, worker: Worker | None = None) -> str:
    """Why something does not run, and what to do about it."""
    why = refusal_text(reason, worker) if worker else reason.label
    return f"{why}. {advice(reason)}".strip()


def span_length(run: WorkerRun) -> str:
    """How long the run took, or has taken until now; '' while it waits."""
    if run.started_at is None:
        return ""
    return length((run.finished_at or timezone.now()) - run.started_at)


@dataclass(frozen=True)
class BoardLine:
    """A row of the board with its words."""

    row: WorkerRow
    now: datetime

    @property
    def tone(self) -> str:
        return "blue" if self.row.active else self.row.dot

    @property
    def status(self) -> str:
        row, run = self.row, self.row.run
        if run is not None and run.status == RunStatus.RUNNING:
            return "stopping" if run.cancel_requested_at else "running"
        if not row.state.enabled:
            return "off"
        if run is not None and run.status == RunStatus.QUEUED:
            return "queued"
        return _resting_word(row)

    @property
    def call(self) -> str:
        """The call at eBay that it begins with: `GET /sell/fulfillment/v1/order`."""
        endpoint = self.row.worker.endpoint
        if endpoint.kind == "trading":
            return f"{endpoint.name}, {endpoint.path}"
        return f"{endpoint.method} {endpoint.path}"

    @property
    def waits_until(self) -> datetime | None:
        """When a queued run may start, if that is not now."""
        run = self.row.run
        waits = run is not None and run.status == RunStatus.QUEUED and run.not_before > timezone.now()
        return run.not_before if waits and run is not None else None

    @property
    def is_due(self) -> bool:
        """Its time has come and the next tick queues it."""
        planned = self.row.next_run_at
        return planned is not None and planned <= timezone.now()

    @property
    def held_back(self) -> str:
        """Why it may not run, unless it is simply switched off or `broken_off` says it."""
        refusal = self.row.refusal
        told = (None, Reason.DISABLED, Reason.BREAKER_OPEN)
        return refusal_words(refusal, self.row.worker) if refusal and refusal not in told else ""

    @property
    def held_parts(self) -> str:
        """What does not run of a worker that does; '' when that is nothing."""
        return " ".join(held.text for held in self.row.held_parts)

    @property
    def broken_off(self) -> str:
        """How long the breaker pauses the worker, and why; '' when it does not."""
        state = self.row.state
        if state.breaker_until is None or state.breaker_until <= timezone.now():
            return ""
        runs = f"{state.failed_in_row} failed run{'s' if state.failed_in_row != 1 else ''} in a row"
        return f"Paused after {runs} until {clock(state.breaker_until)} UTC."

    @property
    def error(self) -> str:
        """The last error and what to do; '' when what holds the worker back says the same."""
        run, text = self.row.run, self.row.state.last_error
        told = self.row.refusal and self.row.refusal != Reason.BREAKER_OPEN
        if not text or (run is not None and told and run.reason == self.row.refusal):
            return ""
        if any(held.text in text for held in self.row.held_parts):
            return ""
        text = text if text.endswith((".", "!", "?")) else f"{text}."
        return f"{text} {self._what_to_do}".strip()

    @property
    def _what_to_do(self) -> str:
        """By the last run's reason; one that waits to try again has none of its own yet."""
        run = self.row.run
        if run is not None and self.row.active and run.trigger == Trigger.RETRY:
            return "It is tried again by itself."
        return advice(run.reason) if run is not None else ""

    @property
    def took(self) -> str:
        return span_length(self.row.run) if self.row.run else ""

    @property
    def lag(self) -> str:
        return f"{length(max(self.row.lag, timedelta(0)))} behind" if self.row.lag is not None else ""

    @property
    def completeness(self) -> str:
        """`97 % of 90 days`; 100 only when nothing is missing."""
        wanted = self.now - (self.row.state.wanted_from or self.now - self.row.worker.backfill)
        share = self.row.completeness * 100
        return (
            f"{share:.0f} % of {length(wanted)}" if share >= 99.95 else f"{int(share)} % of {length(wanted)}"
        )

    @property
    def passes(self) -> str:
        """`Last complete pass 12:04:10, present pass: 1,204 of 3,000 listed`, for what is read whole."""
        at = self.row.state.snapshot_at
        last = f"Last complete pass {clock(at)}" if at else "No complete pass yet"
        return f"{last}, present pass: {self._present_pass}" if self.row.pass_ else last

    @property
    def _present_pass(self) -> str:
        row, pass_ = self.row, self.row.pass_
        if pass_ is None or pass_.total is None:
            return "it begins"
        if pass_.listed_at is None:
            return f"{row.listed:,} of {pass_.total:,} listed"
        return f"{row.listed:,} of {pass_.total:,} listed, {pass_.asked:,} asked"

    @property
    def pass_percent(self) -> int | None:
        """How far the present pass is with its list or, after that, with asking; None without one."""
        row, pass_ = self.row, self.row.pass_
        if pass_ is None:
            return None
        done, of = (row.listed, pass_.total) if pass_.listed_at is None else (pass_.asked, row.listed)
        return min(100, int(100 * done / of)) if of else 0

    @property
    def time_left(self) -> str:
        """`about 12 min left` while a run is at work and its pace is known."""
        left = self.row.time_left
        return f"about {length(max(_rounded(left), timedelta(minutes=1)))} left" if left is not None else ""

    @property
    def gaps(self) -> str:
        count = len(self.row.gaps)
        return "" if not count else f"{count} gap{'s' if count > 1 else ''}"

    @property
    def gap_list(self) -> str:
        return "\n".join(
            f"{gap.span.start:%Y-%m-%d %H:%M} to {gap.span.end:%Y-%m-%d %H:%M}: {gap.why or 'not read yet'}"
            + (f", next try {clock(gap.retry_at)}" if gap.retry_at else "")
            for gap in self.row.gaps[:20]
        )


@dataclass(frozen=True)
class RunProgress:
    """How far a run is, for its bar; `percent` is None while eBay's total is unknown."""

    run: WorkerRun

    @property
    def percent(self) -> int | None:
        share = progress_of(self.run)
        return round(100 * share) if share is not None else None

    @property
    def words(self) -> str:
        run = self.run
        if run.status == RunStatus.QUEUED:
            later = run.not_before > timezone.now()
            return f"waits to start {from_now(run.not_before)}" if later else "waits for a free process"
        of = f" of {run.rows_expected:,}" if self.percent is not None else ""
        return f"{run.pages} pages, {run.rows_fetched:,}{of} rows"


def _rounded(span: timedelta) -> timedelta:
    """To whole minutes: the estimate is no better."""
    return timedelta(minutes=round(span / timedelta(minutes=1)))


def _resting_word(row: WorkerRow) -> str:
    run = row.run
    if row.failed:
        return "failed"
    if row.refusal:
        return "held back"
    if run is not None and run.status == RunStatus.SKIPPED:
        return "skipped"
    if run is not None and run.status == RunStatus.PARTIAL:
        return "partial"
    if row.quarantined:
        return "quarantine"
    return "up to date" if row.state.last_success_at else "never ran"
