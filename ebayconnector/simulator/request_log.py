"""What was asked of the simulator and what it answered: the last ten thousand calls, as they were sent."""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from ebayconnector.simulator.json_types import JsonObject


@dataclass(slots=True)
class LoggedRequest:
    """One call. `status` None: not answered yet; 0: the connection was closed without an answer."""

    seq: int
    at: str
    method: str
    path: str
    query: str
    subject: str
    headers: dict[str, str] = field(repr=False)
    body: str = field(repr=False)
    seller: str | None
    application: str | None
    token_kind: str | None
    fault: str | None
    status: int | None = None
    duration_s: float | None = None

    def as_json(self) -> JsonObject:
        return {name: getattr(self, name) for name in self.__slots__}


class RequestLog:
    """A ring in the order of arrival; `seq` grows for ever, also over `clear`."""

    def __init__(self, size: int) -> None:
        self._ring: deque[LoggedRequest] = deque(maxlen=size)
        self._seq = 0

    def next_seq(self) -> int:
        self._seq += 1
        return self._seq

    @property
    def last_seq(self) -> int:
        return self._seq

    def __len__(self) -> int:
        return len(self._ring)

    def add(self, entry: LoggedRequest) -> None:
        self._ring.append(entry)

    def clear(self) -> None:
        self._ring.clear()

    def matching(self, path: re.Pattern[str], after: int = 0) -> Iterator[LoggedRequest]:
        """Oldest first; `path` is searched in the subject."""
        return (entry for entry in self._ring if entry.seq > after and path.search(entry.subject))

    def page(self, path: re.Pattern[str], *, after: int | None, limit: int) -> list[LoggedRequest]:
        """With `after` the first `limit` calls since then, else the last `limit`; oldest first either way."""
        if after is not None:
            return list(islice(self.matching(path, after), limit))
        return list(deque(self.matching(path), maxlen=limit))
