"""Child processes that do not outlive us, and signals turned into a flag."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1
# From glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_KEPT, _LARGE = 64 * 2**20, 32 * 2**20
_libc = ctypes.CDLL(None, use_errno=True)


def use_one_heap() -> None:
    """All threads take memory from one heap, which keeps what they free: glibc's own way is a heap for each
    thread, and for large blocks a trip to the system and back. Reading pages of orders with several threads
    grows a process to a third of that, and is no slower.
    """
    # Other C libraries have no such call.
    with contextlib.suppress(AttributeError):
        _libc.mallopt(_M_ARENA_MAX, 1)
        _libc.mallopt(_M_TRIM_THRESHOLD, _KEPT)
        _libc.mallopt(_M_MMAP_THRESHOLD, _LARGE)


def die_with_parent(how: signal.Signals) -> Callable[[], None]:
    """For `preexec_fn`: the kernel sends `how` to the child when its parent dies, even by SIGKILL."""
    parent = os.getpid()

    def arrange() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, int(how), 0, 0, 0)
        if os.getppid() != parent:
            os.kill(os.getpid(), how)

    return arrange


def start_group(
    command: Sequence[str | Path], *, env: Mapping[str, str], output: IO[bytes] | None = None
) -> subprocess.Popen[bytes]:
    """A child in a session and process group of its own, told by SIGTERM when we die."""
    return subprocess.Popen(
        command,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output else None,
        start_new_session=True,
        preexec_fn=die_with_parent(signal.SIGTERM),
    )


def stop_group(process: subprocess.Popen[bytes], *, within_s: float) -> bool:
    """SIGTERM to the child, after `within_s` SIGKILL to its whole group. True when it ended by itself."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout=within_s)
        except subprocess.TimeoutExpired:
            kill_group(process)
            return False
    kill_group(process)
    return True


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL to everything the child started, also when the child itself is gone already."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def stop_flag() -> threading.Event:
    """An event that SIGTERM and SIGINT set; call in the main thread."""
    flag = threading.Event()

    def stop(number: int, frame: object) -> None:
        flag.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    return flag
