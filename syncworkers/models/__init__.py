"""What: the state of each worker, its runs, and the rows copied from eBay."""

from .cases import Case, CaseDetail, Inquiry, InquiryDetail
from .disputes import PaymentDispute, PaymentDisputeDetail
from .finances import FinancesFee, Payout, SellerFunds, Transaction, Transfer
from .inventory import InventoryItem, Offer
from .messages import Message, MessageBody
from .money import MoneyRow
from .my_ebay import ActiveListing, Purchase
from .orders import Order, OrderLineItem
from .returns import Return, ReturnDetail
from .rows import SyncedRow
from .runs import Reason, RunStatus, Trigger, WorkerLog, WorkerRun
from .snapshots import SnapshotMiss, SnapshotPart, SnapshotPass
from .state import FailedSlice, QuarantinedRecord, SyncState, SyncSwitch

__all__ = [
    "ActiveListing",
    "Case",
    "CaseDetail",
    "FailedSlice",
    "FinancesFee",
    "Inquiry",
    "InquiryDetail",
    "InventoryItem",
    "Message",
    "MessageBody",
    "MoneyRow",
    "Offer",
    "Order",
    "OrderLineItem",
    "PaymentDispute",
    "PaymentDisputeDetail",
    "Payout",
    "Purchase",
    "QuarantinedRecord",
    "Reason",
    "Return",
    "ReturnDetail",
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
