"""How much memory each process of the demo holds of its own, while it runs."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

import psutil

_EVERY_S = 15.0
MB = 1024 * 1024


@dataclass
class Memory:
    """Samples of each process's own memory (USS), taken in a thread; `roots` are pid → name."""

    roots: Mapping[int, str]
    samples: dict[tuple[str, int], list[int]] = field(default_factory=lambda: defaultdict(list))
    warm: dict[tuple[str, int], int] = field(default_factory=dict)
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Memory:
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        self._thread.join()

    def note_warm(self) -> None:
        """From here on nothing should grow without end."""
        self.warm = {process: max(sizes[-4:]) for process, sizes in self.samples.items()}

    def growth_mb(self) -> dict[str, float]:
        """Per process that has lived since the warm-up and still lives: its last size less that of then."""
        return {
            f"{name} {pid}": (self.samples[name, pid][-1] - size) / MB
            for (name, pid), size in self.warm.items()
            if psutil.pid_exists(pid)
        }

    def peaks_mb(self) -> dict[str, float]:
        return {f"{name} {pid}": max(sizes) / MB for (name, pid), sizes in self.samples.items()}

    def _watch(self) -> None:
        while not self._over.is_set():
            for pid, name in self.roots.items():
                self._sample(pid, name)
            self._over.wait(_EVERY_S)

    def _sample(self, pid: int, name: str) -> None:
        try:
            root = psutil.Process(pid)
            family = [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return
        for process in family:
            try:
                self.samples[name, process.pid].append(process.memory_full_info().uss)
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                # It has ended meanwhile; without /proc/PID/smaps_rollup there is nothing to measure.
                continue
