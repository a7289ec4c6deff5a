"""`python -m benchmarks` (`make bench`): measures, prints and writes down. The figures assert nothing."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from . import parts, report
from .stage import BenchmarkFailed, Stage, running_stage


def main() -> int:
    args = _arguments()
    # Ended from outside, it stops its servers and removes its gigabytes too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    sizes = parts.Sizes(
        orders=args.orders, large_orders=args.large_orders, already=tuple(sorted(args.already)),
        workers=args.workers, rounds=args.rounds,
    )  # fmt: skip
    groups = [[args.only]] if args.only else [parts.STANDARD, *([parts.BIG] if args.big else [])]
    has_failed = False
    try:
        with running_stage() as stage:
            for names in groups:
                results = _measure(stage, sizes, names)
                has_failed |= "failed" in results
                text = report.text_of(results)
                print(f"\n{text}\n", flush=True)
                if args.only is None:
                    report.write(results, text, big=names is parts.BIG)
    except BenchmarkFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    return int(has_failed)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--orders", type=int, default=20_000, help="orders of a load")
    parser.add_argument("--large-orders", type=int, default=200_000, help="orders of a large load")
    parser.add_argument(
        "--already", type=int, nargs="+", default=[20_000, 200_000, 2_000_000],
        help="orders in the table before a load of `growth`",
    )  # fmt: skip
    parser.add_argument("--workers", type=int, default=10_000, help="workers due at a tick")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of the loads; the median counts")
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--big", action="store_true", help=f"measure {', '.join(parts.BIG)} too")
    chosen.add_argument(
        "--only", choices=[*parts.STANDARD, *parts.BIG], help="measure this alone and write nothing down"
    )
    return parser.parse_args()


def _measure(stage: Stage, sizes: parts.Sizes, names: Iterable[str]) -> dict[str, Any]:
    results: dict[str, Any] = {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "machine": report.machine(postgres=stage.postgres_version(), commit_ms=stage.commit_ms()),
    }
    measures = {**parts.STANDARD, **parts.BIG}
    for name in names:
        try:
            results[name] = measures[name](stage, sizes)
        except BenchmarkFailed as failure:
            print(failure, file=sys.stderr)
            results.setdefault("failed", []).append(name)
    return results


if __name__ == "__main__":
    sys.exit(main())
