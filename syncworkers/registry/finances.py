"""Payouts with the transactions in them, and the funds that eBay holds (Finances, 03 §5)."""

from __future__ import annotations

from ebayconnector.ebay import endpoints, finances
from ebayconnector.ebay.client import EbayClient
from syncworkers.mappers.finances import funds_row, payout_row
from syncworkers.mappers.reading import JsonObject
from syncworkers.models import Payout, SellerFunds

from .declarations import SELLING, Details, Recheck, Summary, Table, Windows, Worker, named
from .finances_reach import FINANCES_LOOKBACK, FINANCES_WINDOW
from .transactions import TRANSACTIONS

PAYOUTS = Table(
    key="finances",
    title="Payouts",
    model=Payout,
    natural_key=("payout_id",),
    record_key=named("payoutId"),
    mapper=payout_row,
    time_field="payoutDate",
)
FUNDS = Table(
    key="seller_funds",
    title="Funds",
    model=SellerFunds,
    natural_key=("currency",),
    record_key=lambda record: "funds",
    mapper=funds_row,
)


def _funds(client: EbayClient) -> list[JsonObject]:
    summary = finances.funds_summary(client)
    return [summary] if summary else []


WORKER = Worker(
    key="finances",
    title="Payouts",
    source="Finances getPayouts",
    fresh_means="every payout with the transactions in it, and the funds that eBay still holds",
    endpoint=endpoints.GET_PAYOUTS,
    table=PAYOUTS,
    reads=Windows(finances.payout_pages, page_limit=200, longest=FINANCES_WINDOW),
    steps=(
        Summary(fetch=_funds, into=FUNDS),
        Recheck(statuses=("INITIATED", "RETRYABLE_FAILED", "REVERSED"), source=finances.payouts_with_status),
        Details(
            of=PAYOUTS,
            fetch=lambda client, rows: finances.transactions_of_payout(client, rows[0].payout_id),
            into=TRANSACTIONS,
        ),
    ),
    purposes=SELLING,
    longest_lookback=FINANCES_LOOKBACK,
    calls_per_run=2.0,
)
