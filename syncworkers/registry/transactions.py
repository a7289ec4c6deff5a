"""Transactions with their fees, and transfers (Finances, 03 §5)."""

from __future__ import annotations

from types import MappingProxyType

from django.db import models

from ebayconnector.ebay import endpoints, finances
from syncworkers.mappers.finances import transaction_row, transfer_row
from syncworkers.models import FinancesFee, Transaction, Transfer

from .declarations import SELLING, Child, Details, Recheck, Table, Windows, Worker, named
from .finances_reach import FINANCES_LOOKBACK, FINANCES_WINDOW

TRANSACTIONS = Table(
    key="transactions",
    title="Transactions",
    model=Transaction,
    natural_key=("transaction_id", "transaction_type"),
    record_key=lambda record: "/".join(
        part
        for part in (str(record.get("transactionId") or ""), str(record.get("transactionType") or ""))
        if part
    ),
    mapper=transaction_row,
    time_field="transactionDate",
    children=MappingProxyType({"fees": Child(model=FinancesFee, parent="transaction", key=("position",))}),
)
TRANSFERS = Table(
    key="transfers",
    title="Transfers",
    model=Transfer,
    natural_key=("transfer_id",),
    record_key=named("transferId"),
    mapper=transfer_row,
)

WORKER = Worker(
    key="transactions",
    title="Transactions",
    source="Finances getTransactions",
    fresh_means="every new transaction with its fees; older ones are read again until they are paid out",
    endpoint=endpoints.GET_TRANSACTIONS,
    table=TRANSACTIONS,
    # All pages of a slice stay below the offset of 5,000 that eBay advises not to pass (03 §5).
    reads=Windows(finances.transaction_pages, page_limit=350, longest=FINANCES_WINDOW),
    steps=(
        Recheck(
            statuses=("FUNDS_PROCESSING", "FUNDS_ON_HOLD", "FUNDS_AVAILABLE_FOR_PAYOUT"),
            source=finances.transactions_with_status,
        ),
        Details(
            of=TRANSACTIONS,
            condition=models.Q(transaction_type="TRANSFER"),
            fetch=lambda client, rows: [finances.get_transfer(client, rows[0].transaction_id)],
            into=TRANSFERS,
        ),
    ),
    purposes=SELLING,
    longest_lookback=FINANCES_LOOKBACK,
)
