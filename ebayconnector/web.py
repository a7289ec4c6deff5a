"""The web server's worker process: gunicorn's own, which also says that it runs and with which key ring.

The web process starts no loops; gunicorn's wakes once a second and hands a beat to its thread pool.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunicorn.workers.gthread import ThreadWorker

if TYPE_CHECKING:
    from .web_heartbeat import WebHeartbeat


class WebWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's threaded worker with a heartbeat."""

    _heartbeat: WebHeartbeat | None = None

    def run(self) -> None:
        # Not before: gunicorn loads this class first, and Django with the application.
        from .web_heartbeat import WebHeartbeat

        self._heartbeat = WebHeartbeat()
        try:
            super().run()
        finally:
            self._heartbeat.end()

    def notify(self) -> None:
        super().notify()
        if self._heartbeat and self.alive:
            self._heartbeat.beat_when_due(self.tpool)
