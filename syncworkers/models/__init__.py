"""What: the state of each worker, its runs, and the rows copied from eBay."""

from .orders import Order, OrderLineItem
from .rows import SyncedRow
from .runs import Reason, RunStatus, Trigger, WorkerLog, WorkerRun
from .state import FailedSlice, QuarantinedRecord, SyncState, SyncSwitch

__all__ = [
    "FailedSlice",
    "Order",
    "OrderLineItem",
    "QuarantinedRecord",
    "Reason",
    "RunStatus",
    "SyncState",
    "SyncSwitch",
    "SyncedRow",
    "Trigger",
    "WorkerLog",
    "WorkerRun",
]
