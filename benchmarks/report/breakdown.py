"""Where the time goes."""

from __future__ import annotations

from .figures import Figures
from .table import table


def words(found: Figures) -> str:
    whole = found["seconds"]
    lines = [[part, f"{seconds:.2f}", f"{seconds / whole:.0%}"] for part, seconds in found["parts"]]
    lines.append(["whole", f"{whole:.2f}", "100%"])
    return (
        f"### Where the time of a first load of {found['orders']:,} orders goes\n\n"
        f"{table(('part', 's', 'share'), lines)}"
    )
