"""Seeds of randomised tests: few in `make test`, many in `make soak`, one to replay a failure."""

from __future__ import annotations

import os


def seeds(short: int) -> list[int]:
    """`SOAK_SEED=17` replays one; `SOAK_SEEDS=300` runs so many; otherwise `short` of them."""
    one = os.environ.get("SOAK_SEED")
    if one:
        return [int(one)]
    return list(range(1, int(os.environ.get("SOAK_SEEDS") or short) + 1))
