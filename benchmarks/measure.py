"""`python -m benchmarks.measure NAME OPTIONS`: one measurement in this process; prints its result as JSON.

Started by `stage`, which sets the environment; OPTIONS is a JSON object of keyword arguments.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

import django


def measurements() -> Mapping[str, Callable[..., Any]]:
    """All measurements by name; imported late, because they need Django set up."""
    from . import (
        accounting,
        bare_limit,
        breakdown,
        bulk_create,
        engine_load,
        growth,
        memory,
        notice_burst,
        per_row,
        record_pages,
        sniping,
        ticking,
        token_road,
    )

    return {
        "engine": engine_load.measure,
        "limit": bare_limit.measure,
        "bulk_create": bulk_create.measure,
        "per_row": per_row.measure,
        "pages": record_pages.measure,
        "fill": growth.fill_table,
        "growth": growth.measure,
        "memory": memory.measure,
        "tick": ticking.measure,
        "breakdown": breakdown.measure,
        "accounting": accounting.measure,
        "tokens": token_road.measure,
        "notices": notice_burst.measure,
        "sniping": sniping.measure,
    }


def main() -> None:
    name, options = sys.argv[1], json.loads(sys.argv[2])
    django.setup()
    json.dump(measurements()[name](**options), sys.stdout)


if __name__ == "__main__":
    main()
