"""`python -m sniper.sender FD [CA_BUNDLE]`: the sender on an inherited socket; ends with its executor."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import sys

from .process import SenderLoop

# Before everything else of this machine, where that is allowed: it works for microseconds and sleeps.
_PRIORITY = -10


def main() -> None:
    # A signal to the whole group is the executor's to answer: it closes the socket.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, _PRIORITY)
    with socket.socket(fileno=int(sys.argv[1])) as channel:
        SenderLoop(channel, ca_bundle=sys.argv[2] if len(sys.argv) > 2 else None).run()


if __name__ == "__main__":
    main()
