"""`python -m benchmarks` (`make bench`): measures, prints and writes down. The figures assert nothing."""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from . import report
from .stage import BenchmarkFailed, Stage, running_stage

NAMES = ("loads", "memory", "tick", "accounting", "tokens", "notices", "breakdown", "sniping")
_PER_ROW_ORDERS = 2000
_PER_ROW_WORKERS = 1000
_ACCOUNTING_PROCESSES = 8
_ACCOUNTING_CALLS = 2000
_TOKEN_ACCOUNTS = 1000
_TOKEN_CALLS = 5000
_TOKEN_ONE_BY_ONE = 100
_NOTICES = 500
_INDEXED_PEOPLE = 1_000_000
# Snipes, and the seconds over which their moments are spread.
_SNIPING = ((500, 0.0), (500, 1.0), (1000, 60.0))
_SYNC_ORDERS = 4000


def main() -> int:
    args = _arguments()
    try:
        results = _measure_all(args)
    except BenchmarkFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    text = report.text_of(results)
    print(f"\n{text}")
    if args.only is None:
        report.write(results, text)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--orders", type=int, default=20_000, help="orders of a load")
    parser.add_argument("--memory-orders", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=10_000, help="workers due at a tick")
    parser.add_argument("--rounds", type=int, default=1, help="rounds of the loads; the median counts")
    parser.add_argument("--only", choices=NAMES, help="measure this alone and write nothing down")
    return parser.parse_args()


def _measure_all(args: argparse.Namespace) -> dict[str, Any]:
    results: dict[str, Any] = {"date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"}
    with running_stage(sellers=[args.orders, args.memory_orders, _SYNC_ORDERS]) as stage:
        results["machine"] = report.machine(postgres=stage.postgres_version(), commit_ms=stage.commit_ms())
        for name in NAMES:
            if args.only in (None, name):
                results[name] = _MEASURES[name](stage, args)
    return results


def _loads(stage: Stage, args: argparse.Namespace) -> dict[str, Any]:
    """The three ways in turn, so that a noisy minute meets all of them."""
    rounds: dict[str, list[Any]] = {"engine": [], "limit": [], "per_row": []}
    measured = min(_PER_ROW_ORDERS, args.orders)
    for number in range(1, args.rounds + 1):
        for way, found in rounds.items():
            _say(f"load, {way}, round {number} of {args.rounds}")
            extra = {"measured": measured} if way == "per_row" else {}
            found.append(stage.measure(way, orders=args.orders, **extra))
    return rounds


def _memory(stage: Stage, args: argparse.Namespace) -> list[Any]:
    """DEBUG off and on at the same time: memory does not mind, and it saves minutes."""
    _say(f"memory of {args.memory_orders:,} orders, DEBUG off and on")

    def measure(debug: str) -> Any:
        return stage.measure(
            "memory", label=f"_debug_{debug}", environment={"DEBUG": debug}, orders=args.memory_orders
        )

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(measure, ("false", "true")))


def _tick(stage: Stage, args: argparse.Namespace) -> Any:
    _say(f"tick with {args.workers:,} workers")
    return stage.measure("tick", workers=args.workers, by_row=min(_PER_ROW_WORKERS, args.workers))


def _accounting(stage: Stage, args: argparse.Namespace) -> Any:
    _say("counting calls against a quota")
    return stage.measure("accounting", processes=_ACCOUNTING_PROCESSES, calls=_ACCOUNTING_CALLS)


def _tokens(stage: Stage, args: argparse.Namespace) -> Any:
    _say(f"access tokens of {_TOKEN_ACCOUNTS:,} accounts")
    return stage.measure("tokens", accounts=_TOKEN_ACCOUNTS, calls=_TOKEN_CALLS, one_by_one=_TOKEN_ONE_BY_ONE)


def _notices(stage: Stage, args: argparse.Namespace) -> Any:
    _say(f"{_NOTICES} deletion notices that match nobody")
    return stage.measure("notices", notices=_NOTICES, indexed=_INDEXED_PEOPLE)


def _breakdown(stage: Stage, args: argparse.Namespace) -> Any:
    _say("where the time goes")
    return stage.measure("breakdown", orders=args.orders)


def _sniping(stage: Stage, args: argparse.Namespace) -> list[Any]:
    found = []
    for place, (count, spread_s) in enumerate(_SNIPING):
        _say(f"{count} snipes over {spread_s:g} s")
        found.append(
            stage.measure(
                "sniping", label=f"_{place}", count=count, spread_s=spread_s, sync_orders=_SYNC_ORDERS
            )
        )
    return found


def _say(what: str) -> None:
    print(f"… {what}", file=sys.stderr, flush=True)


_MEASURES = {
    "loads": _loads,
    "memory": _memory,
    "tick": _tick,
    "accounting": _accounting,
    "tokens": _tokens,
    "notices": _notices,
    "breakdown": _breakdown,
    "sniping": _sniping,
}

if __name__ == "__main__":
    sys.exit(main())
