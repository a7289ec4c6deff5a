"""The section "Money" of an order's and a payout's page."""

from __future__ import annotations

from typing import Any

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString

from accounts.models import EbayAccount
from syncworkers.models import Order, Payout, Transaction
from syncworkers.money import PaidOut, Statement, Verdict, money_text, order_money, payout_money

from .data_rows import amount_cell, row_link, status_badge
from .statuses import PAYOUT_TONES, transaction_badge

_TONES = {
    Verdict.RECONCILES: "green",
    Verdict.WAITING: "grey",
    Verdict.UNKNOWN: "amber",
    Verdict.DIFFERS: "red",
}
_SHOWN = 200


def order_section(order: Order) -> SafeString:
    """The order's statement, where its money went, and its transactions."""
    statement = order_money(order.account, order.order_id)
    transactions = Transaction.objects.filter(account=order.account, order_id=order.order_id)
    return _section(
        statement, transactions.order_by("occurred_at", "id"), order.account, "order_id", order.order_id
    )


def payout_section(payout: Payout) -> SafeString:
    """The payout's statement and its transactions."""
    transactions = Transaction.objects.filter(account_id=payout.account_id, payout_id=payout.payout_id)
    return _section(payout_money(payout), transactions, payout.account, "payout_id", payout.payout_id)


def _section(
    statement: Statement, transactions: Any, account: EbayAccount, column: str, value: str
) -> SafeString:
    rows = list(transactions.defer("payload")[: _SHOWN + 1])
    everything = (
        f"{reverse('admin:syncworkers_transaction_changelist')}?account={account.pk}&{column}={value}"
    )
    context = {
        "statement": statement,
        "tone": _TONES[statement.verdict],
        "findings": [(finding, _TONES[finding.verdict]) for finding in statement.findings],
        "lines": [(line, money_text(line.amount, line.currency)) for line in statement.lines],
        "payouts": _payouts(account, statement.payouts),
        "transactions": [_transaction(row) for row in rows[:_SHOWN]],
        "cut": len(rows) > _SHOWN,
        "everything": everything,
    }
    return render_to_string("syncworkers/_money.html", context)


def _payouts(account: EbayAccount, payouts: Any) -> list[dict[str, Any]]:
    named = {paid.payout_id for paid in payouts}
    ids = dict(Payout.objects.filter(account=account, payout_id__in=named).values_list("payout_id", "pk"))
    return [_payout(paid, ids.get(paid.payout_id)) for paid in payouts]


def _payout(paid: PaidOut, pk: int | None) -> dict[str, Any]:
    return {
        "link": row_link(Payout, pk, paid.payout_id),
        "status": status_badge(paid.status, PAYOUT_TONES) if paid.status else "",
        "paid_at": paid.paid_at,
        "amount": money_text(paid.amount, paid.currency),
    }


def _transaction(row: Transaction) -> dict[str, Any]:
    return {
        "row": row,
        "link": row_link(Transaction, row.pk, row.transaction_id),
        "status": transaction_badge(row.transaction_status),
        "net": amount_cell(row.net, row.currency),
    }
