"""All messages of one seller as compact state: when each came, when it was read, flagged and answered.

Flags are moments, so that they change in place as the clock goes, without a date of change (03 §3.5). A
message of several kilobytes is made on demand (`mail_body`). Message n keeps its place for ever.
"""

from array import array
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from dataclasses import dataclass

from ebayconnector.simulator.json_types import JsonObject, join_patches
from ebayconnector.simulator.number_ids import PLACES_PER_SELLER, Numbering
from ebayconnector.simulator.times import DAY_MS

INBOX, SENT = 0, 1
CUSTOM_FOLDERS = {6: "Wholesale", 11: "Rückfragen & Lob"}
FOLDERS = (INBOX, SENT, *CUSTOM_FOLDERS)

QUESTION, TRANSACTION, EBAY, REPLY = range(4)

KEPT_MS = 365 * DAY_MS  # 03 §3.5
NEVER = 1 << 62

_SHIFT = 24
_MASK = (1 << _SHIFT) - 1
_NOBODY = -1

_MESSAGE_IDS = Numbering("1", 12, 387_420_489)
_EXTERNAL_IDS = Numbering("99", 14, 1_162_261_467)


@dataclass(frozen=True, slots=True)
class Mail:
    """What a message begins with. `order` is the place of the order it is about, `parent` what it answers."""

    received_ms: int
    kind: int
    folder: int = INBOX
    order: int | None = None
    parent: int | None = None
    read_ms: int = NEVER
    flagged_ms: int = NEVER
    high_priority: bool = False


@dataclass(frozen=True, slots=True)
class MailRange:
    """The messages of a folder in a range of receive dates, found without looking at each."""

    index: list[int]
    low: int
    high: int

    def __len__(self) -> int:
        return self.high - self.low

    def places(self, start: int, stop: int, *, newest_first: bool) -> list[int]:
        """Places from `start` to before `stop` of the range."""
        if newest_first:
            first, last = max(self.low, self.high - stop), max(self.low, self.high - start)
            return [key & _MASK for key in reversed(self.index[first:last])]
        keys = self.index[min(self.high, self.low + start) : min(self.high, self.low + stop)]
        return [key & _MASK for key in keys]


class MailBook:
    """Every change goes through `add`, `change`, `mark` or `remove`."""

    def __init__(self, *, seed: int, seller_number: int, own_folders: bool = True) -> None:
        self.seed = seed
        self.folders = FOLDERS if own_folders else (INBOX, SENT)
        self.seller_number = seller_number
        self.received = array("q")
        self.read_ms = array("q")
        self.flagged_ms = array("q")
        self.replied_ms = array("q")
        self.kind = array("B")
        self.folder = array("q")
        self.order = array("q")
        self.parent = array("q")
        self.high_priority = array("B")
        self.patches: dict[int, JsonObject] = {}
        self._removed: set[int] = set()
        self._of_folder: dict[int, list[int]] = {folder: [] for folder in FOLDERS}
        self._inbound: list[int] = []  # all folders but the sent one

    def message_id(self, n: int) -> str:
        return _MESSAGE_IDS.id_of(seed=self.seed, seller_number=self.seller_number, place=n)

    def external_id(self, n: int) -> str | None:
        """Only messages between members have one; it is the MessageID of GetMemberMessages (03 §3.5)."""
        if self.kind[n] == EBAY:
            return None
        return _EXTERNAL_IDS.id_of(seed=self.seed, seller_number=self.seller_number, place=n)

    def place_of(self, message_id: str, now_ms: int) -> int | None:
        """Place of a message that is there now; None for all other ids."""
        return self._live(
            _MESSAGE_IDS.place_of(message_id, seed=self.seed, seller_number=self.seller_number), now_ms
        )

    def place_of_external(self, external_id: str, now_ms: int) -> int | None:
        n = self._live(
            _EXTERNAL_IDS.place_of(external_id, seed=self.seed, seller_number=self.seller_number), now_ms
        )
        return None if n is None or self.kind[n] == EBAY else n

    def _live(self, n: int | None, now_ms: int) -> int | None:
        if n is None or n >= len(self.received) or n in self._removed:
            return None
        return n if now_ms - KEPT_MS < self.received[n] <= now_ms else None

    def add(self, mail: Mail) -> int:
        """Answers the place. Raises OverflowError when ids run out."""
        n = len(self.received)
        if n >= PLACES_PER_SELLER:
            raise OverflowError("a seller holds at most ten million messages")
        self.received.append(mail.received_ms)
        self.kind.append(mail.kind)
        self.folder.append(mail.folder)
        self.order.append(_NOBODY if mail.order is None else mail.order)
        self.parent.append(_NOBODY if mail.parent is None else mail.parent)
        self.read_ms.append(mail.read_ms)
        self.flagged_ms.append(mail.flagged_ms)
        self.replied_ms.append(NEVER)
        self.high_priority.append(mail.high_priority)
        self._insert(n)
        return n

    def parent_of(self, n: int) -> int | None:
        return None if self.parent[n] == _NOBODY else self.parent[n]

    def order_of(self, n: int) -> int | None:
        return None if self.order[n] == _NOBODY else self.order[n]

    def mark(
        self,
        n: int,
        *,
        read_ms: int | None = None,
        flagged_ms: int | None = None,
        replied_ms: int | None = None,
    ) -> None:
        """Since when a flag is set; NEVER takes it away. None leaves it."""
        self.read_ms[n] = self.read_ms[n] if read_ms is None else read_ms
        self.flagged_ms[n] = self.flagged_ms[n] if flagged_ms is None else flagged_ms
        self.replied_ms[n] = self.replied_ms[n] if replied_ms is None else replied_ms

    def change(self, n: int, *, folder: int | None = None, patch: JsonObject | None = None) -> None:
        if folder is not None:
            self._discard(n)
            self.folder[n] = folder
            self._insert(n)
        if patch:
            self.patches[n] = join_patches(self.patches.get(n, {}), patch)

    def remove(self, n: int) -> None:
        self._discard(n)
        self._removed.add(n)
        self.patches.pop(n, None)

    def _indexes(self, n: int) -> Iterator[list[int]]:
        yield self._of_folder[self.folder[n]]
        if self.folder[n] != SENT:
            yield self._inbound

    def _insert(self, n: int) -> None:
        for index in self._indexes(n):
            insort(index, self.received[n] << _SHIFT | n)

    def _discard(self, n: int) -> None:
        for index in self._indexes(n):
            del index[bisect_left(index, self.received[n] << _SHIFT | n)]

    def received_between(
        self, folder: int | None, now_ms: int, from_ms: int | None = None, to_ms: int | None = None
    ) -> MailRange:
        """Both ends inclusive; without a folder all that was received. Messages end after a year."""
        index = self._inbound if folder is None else self._of_folder[folder]
        low_ms = max(now_ms - KEPT_MS + 1, now_ms - KEPT_MS if from_ms is None else from_ms)
        high_ms = now_ms if to_ms is None else min(to_ms, now_ms)
        low = bisect_left(index, low_ms << _SHIFT)
        return MailRange(index, low, max(low, bisect_right(index, (high_ms + 1 << _SHIFT) - 1)))

    def live(self, now_ms: int) -> list[int]:
        """Places of all that is there now, oldest first."""
        ranges = (self.received_between(folder, now_ms) for folder in (None, SENT))
        places = [n for found in ranges for n in found.places(0, len(found), newest_first=False)]
        return sorted(places, key=lambda n: (self.received[n], n))
