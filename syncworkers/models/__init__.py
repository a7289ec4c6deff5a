"""What: the state of each worker, its runs, and the rows copied from eBay."""

from .finances import FinancesFee, Payout, SellerFunds, Transaction, Transfer
from .inventory import InventoryItem, Offer
from .money import MoneyRow
from .orders import Order, OrderLineItem
from .rows import SyncedRow
from .runs import Reason, RunStatus, Trigger, WorkerLog, WorkerRun
from .snapshots import SnapshotMiss, SnapshotPart, SnapshotPass
from .state import FailedSlice, QuarantinedRecord, SyncState, SyncSwitch

__all__ = [
    "FailedSlice",
    "FinancesFee",
    "InventoryItem",
    "MoneyRow",
    "Offer",
    "Order",
    "OrderLineItem",
    "Payout",
    "QuarantinedRecord",
    "Reason",
    "RunStatus",
    "SellerFunds",
    "SnapshotMiss",
    "SnapshotPart",
    "SnapshotPass",
    "SyncState",
    "SyncSwitch",
    "SyncedRow",
    "Transaction",
    "Transfer",
    "Trigger",
    "WorkerLog",
    "WorkerRun",
]
