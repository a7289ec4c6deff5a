"""All orders of one seller as compact state: times, revision and statuses in arrays, two sorted indexes.

A body of several kilobytes is made from it on demand (`order_body`). Order n keeps its place for ever.
"""

from array import array
from bisect import bisect_left, bisect_right, insort

from ebayconnector.simulator.json_types import JsonObject, join_patches
from ebayconnector.simulator.randomness import rng
from ebayconnector.simulator.times import DAY_MS, MINUTE_MS, SECOND_MS

NOT_STARTED, IN_PROGRESS, FULFILLED = range(3)
FULFILMENT_STATUS = ("NOT_STARTED", "IN_PROGRESS", "FULFILLED")
PAID, PARTIALLY_REFUNDED, FULLY_REFUNDED = range(3)
PAYMENT_STATUS = ("PAID", "PARTIALLY_REFUNDED", "FULLY_REFUNDED", "PENDING", "FAILED")
NO_CANCEL, CANCEL_ASKED, CANCELED = range(3)
CANCEL_STATE = ("NONE_REQUESTED", "IN_PROGRESS", "CANCELED")

RETENTION_MS = 730 * DAY_MS  # getOrders reaches two years back (03 §4.1)

_SHIFT = 24
_PLACES = 1 << _SHIFT
_LIVE_LIMIT = 10_000_000  # what an order id has room for per seller

_ID_SPACE = 10**12
_ID_FACTOR = 387_420_489_173  # odd and no multiple of five, hence invertible modulo 10**12
_ID_INVERSE = pow(_ID_FACTOR, -1, _ID_SPACE)
_ID_SEED_STEP = 7_919_000_003


class OrderBook:
    """State of one seller's orders. Every change goes through `add`, `change` or `remove`."""

    def __init__(self, *, seed: int, seller_number: int) -> None:
        self.seed = seed
        self.seller_number = seller_number
        self.created = array("q")
        self.modified = array("q")
        self.revision = array("I")
        self.fulfilment = array("B")
        self.payment = array("B")
        self.cancel = array("B")
        self.patches: dict[int, JsonObject] = {}
        self.version = 0
        self.answers: dict[object, list[int]] = {}  # to queries about the present version
        self.written: dict[object, bytes] = {}  # bodies, where the simulator keeps some
        self.part_refund_ms: dict[int, int] = {}  # of orders refunded in part first, in full later
        self._refund_ms: dict[int, int] = {}
        self._cancel_ms: dict[int, int] = {}
        self._removed: set[int] = set()
        self._by_created: list[int] = []
        self._by_modified: list[int] = []

    def __len__(self) -> int:
        return len(self._by_created)

    def _changed(self) -> None:
        self.version += 1
        self.answers.clear()

    def id_number(self, n: int) -> int:
        """The twelve digits of an order id as a number."""
        number = self.seller_number * _LIVE_LIMIT + n
        return (number * _ID_FACTOR + self.seed * _ID_SEED_STEP) % _ID_SPACE

    def order_id(self, n: int) -> str:
        """`12-34567-89012`, unique among all sellers of one world."""
        digits = f"{self.id_number(n):012d}"
        return f"{digits[:2]}-{digits[2:7]}-{digits[7:]}"

    def place_of(self, order_id: str) -> int | None:
        """Place of a live order; None for an id that is not one of this seller."""
        digits = order_id.replace("-", "")
        if not digits.isascii() or not digits.isdigit() or len(order_id) != 14:
            return None
        number = (int(digits) - self.seed * _ID_SEED_STEP) * _ID_INVERSE % _ID_SPACE
        seller_number, n = divmod(number, _LIVE_LIMIT)
        if seller_number != self.seller_number or n >= len(self.created) or n in self._removed:
            return None
        return n if self.order_id(n) == order_id else None

    def add(self, *, created_ms: int, modified_ms: int) -> int:
        """A paid order that nobody has shipped yet; answers its place."""
        n = len(self.created)
        if n >= _LIVE_LIMIT:
            raise OverflowError("a seller holds at most ten million orders")
        self.created.append(created_ms)
        self.modified.append(modified_ms)
        self.revision.append(0)
        for statuses in (self.fulfilment, self.payment, self.cancel):
            statuses.append(0)
        insort(self._by_created, created_ms << _SHIFT | n)
        insort(self._by_modified, modified_ms << _SHIFT | n)
        self._changed()
        return n

    def change(
        self,
        n: int,
        *,
        fulfilment: int | None = None,
        payment: int | None = None,
        cancel: int | None = None,
        created_ms: int | None = None,
        modified_ms: int | None = None,
        patch: JsonObject | None = None,
    ) -> None:
        """Change order n; a refund or cancellation is dated `modified_ms`, or the old change date."""
        if payment == FULLY_REFUNDED and self.payment[n] == PARTIALLY_REFUNDED:
            self.part_refund_ms[n] = self.refund_ms(n)
        self._keep_date(self._refund_ms, n, self.payment[n], payment, at_ms=modified_ms)
        self._keep_date(self._cancel_ms, n, self.cancel[n], cancel, at_ms=modified_ms)
        if fulfilment is not None:
            self.fulfilment[n] = fulfilment
        if payment is not None:
            self.payment[n] = payment
        if cancel is not None:
            self.cancel[n] = cancel
        if created_ms is not None:
            _move(self._by_created, self.created, n, created_ms)
        if modified_ms is not None:
            _move(self._by_modified, self.modified, n, modified_ms)
        if patch:
            self.patches[n] = join_patches(self.patches.get(n, {}), patch)
        self.revision[n] += 1
        self._changed()

    def _keep_date(
        self, dates: dict[int, int], n: int, old: int, new: int | None, *, at_ms: int | None
    ) -> None:
        if new is not None and new != old:
            dates[n] = self.modified[n] if at_ms is None else at_ms
        elif old:
            dates.setdefault(n, self.modified[n])

    def refund_ms(self, n: int) -> int:
        """When the last refund of order n was made; what happens to the order later does not move it."""
        return self._refund_ms.get(n, self.modified[n])

    def cancel_ms(self, n: int) -> int:
        """When the cancellation of order n was asked for or done."""
        return self._cancel_ms.get(n, self.modified[n])

    def remove(self, n: int) -> None:
        _discard(self._by_created, self.created[n] << _SHIFT | n)
        _discard(self._by_modified, self.modified[n] << _SHIFT | n)
        self._removed.add(n)
        self.patches.pop(n, None)
        self._changed()

    def created_between(self, from_ms: int, to_ms: int) -> list[int]:
        """Places by creation date ascending, both ends inclusive."""
        return self.places(self.span(from_ms, to_ms, by_change=False), by_change=False)

    def span(self, from_ms: int, to_ms: int, *, by_change: bool) -> tuple[int, int]:
        """Where a range of creation or change dates, both ends inclusive, lies in its index."""
        index = self._by_modified if by_change else self._by_created
        low = bisect_left(index, from_ms << _SHIFT)
        return low, bisect_right(index, (to_ms + 1 << _SHIFT) - 1, lo=low)

    def places(self, span: tuple[int, int], *, by_change: bool) -> list[int]:
        """Places in a span of an index, oldest date first."""
        index = self._by_modified if by_change else self._by_created
        mask = _PLACES - 1
        return [key & mask for key in index[span[0] : span[1]]]

    def recent(self, back: int) -> int:
        """Place of the live order that is `back` steps from the newest."""
        return self._by_created[-1 - back] & (_PLACES - 1)

    def fill(self, *, size: int, epoch_ms: int) -> None:
        """The history that a seller starts with: `size` orders created before `epoch_ms`."""
        source = rng(self.seed, self.seller_number, 1)
        random = source.random
        ages = sorted((_age_ms(random()) for _ in range(size)), reverse=True)
        for age in ages:
            self._append_history(epoch_ms - age, epoch_ms, random(), random())
        self._by_created = [at << _SHIFT | n for n, at in enumerate(self.created)]
        self._by_modified = sorted(at << _SHIFT | n for n, at in enumerate(self.modified))
        self._changed()

    def _append_history(self, created_ms: int, epoch_ms: int, shipping: float, trouble: float) -> None:
        fulfilment, payment, cancel, wanted_ms = _past(created_ms, epoch_ms, shipping, trouble)
        self.created.append(created_ms)
        self.modified.append(min(wanted_ms, epoch_ms))
        self.revision.append(0)
        self.fulfilment.append(fulfilment)
        self.payment.append(payment)
        self.cancel.append(cancel)


def _age_ms(u: float) -> int:
    """Nine in ten from the last 90 days, the rest up to two years old."""
    if u < 0.9:
        return 2 * MINUTE_MS + int(u / 0.9 * (90 * DAY_MS - 2 * MINUTE_MS))
    return 90 * DAY_MS + int((u - 0.9) / 0.1 * (638 * DAY_MS))


def _past(created_ms: int, epoch_ms: int, shipping: float, trouble: float) -> tuple[int, int, int, int]:
    """Fulfilment, payment, cancel state and change date of an order with a history."""
    paid_ms = created_ms + int(shipping * 60 * SECOND_MS)
    shipped_ms = created_ms + int((0.2 + 3 * shipping) * DAY_MS)
    if trouble < 0.02:
        return NOT_STARTED, FULLY_REFUNDED, CANCELED, paid_ms + int(trouble * 50 * DAY_MS)
    if shipped_ms > epoch_ms:
        return NOT_STARTED, PAID, (CANCEL_ASKED if trouble < 0.03 else NO_CANCEL), paid_ms
    later_ms = shipped_ms + int(trouble * 150 * DAY_MS)
    if trouble < 0.05 and later_ms < epoch_ms:
        return FULFILLED, PARTIALLY_REFUNDED, NO_CANCEL, later_ms
    if trouble < 0.07 and later_ms < epoch_ms:
        return FULFILLED, FULLY_REFUNDED, NO_CANCEL, later_ms
    return (IN_PROGRESS if trouble > 0.98 else FULFILLED), PAID, NO_CANCEL, shipped_ms


def _move(index: list[int], times: "array[int]", n: int, at_ms: int) -> None:
    _discard(index, times[n] << _SHIFT | n)
    times[n] = at_ms
    insort(index, at_ms << _SHIFT | n)


def _discard(index: list[int], key: int) -> None:
    position = bisect_left(index, key)
    if position < len(index) and index[position] == key:
        del index[position]
