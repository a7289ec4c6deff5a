"""The sections "Trouble" and "Messages" of an order's page."""

from __future__ import annotations

from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from syncworkers.models import Case, Inquiry, Message, Order, PaymentDispute, Return
from syncworkers.order_links import order_links

from .data_rows import amount_cell, row_link
from .statuses import trouble_badge

_SHOWN = 50


def trouble_section(order: Order) -> SafeString:
    """Returns, inquiries, cases and payment disputes of the order in one table."""
    links = order_links(order)
    rows = [
        *(_return(row) for row in links.returns[:_SHOWN]),
        *(_inquiry(row) for row in links.inquiries[:_SHOWN]),
        *(_case(row) for row in links.cases[:_SHOWN]),
        *(_dispute(row) for row in links.disputes[:_SHOWN]),
    ]
    return render_to_string("syncworkers/_order_trouble.html", {"rows": rows})


def messages_section(order: Order) -> SafeString:
    """The letters about the order's items to and from its buyer, the latest first."""
    rows = list(order_links(order).messages[: _SHOWN + 1])
    messages = [
        {"row": row, "link": row_link(Message, row.pk, row.subject or "(no subject)")}
        for row in rows[:_SHOWN]
    ]
    context = {"messages": messages, "cut": len(rows) > _SHOWN}
    return render_to_string("syncworkers/_order_messages.html", context)


def _line(kind: str, row: Any, number: str, status: str, **more: Any) -> dict[str, Any]:
    link = row_link(type(row), row.pk, number)
    return {"kind": kind, "row": row, "link": link, "status": trouble_badge(status), **more}


def _return(row: Return) -> dict[str, Any]:
    amount = row.refund_estimated if row.refund_actual is None else row.refund_actual
    return _line(
        "Return", row, row.return_id, row.state,
        why=row.reason, opened=row.occurred_at, amount=amount_cell(amount, row.currency),
    )  # fmt: skip


def _inquiry(row: Inquiry) -> dict[str, Any]:
    return _line(
        "Inquiry", row, row.inquiry_id, row.inquiry_status,
        why=row.state, opened=row.occurred_at, amount=amount_cell(row.claim_amount, row.currency),
    )  # fmt: skip


def _case(row: Case) -> dict[str, Any]:
    return _line(
        "Case", row, row.case_id, row.case_status,
        why=row.case_type, opened=row.occurred_at, amount=amount_cell(row.claim_amount, row.currency),
    )  # fmt: skip


def _dispute(row: PaymentDispute) -> dict[str, Any]:
    return _line(
        "Payment dispute", row, row.payment_dispute_id, row.dispute_status,
        why=row.reason, opened=row.opened_at, amount=amount_cell(row.amount, row.currency),
    )  # fmt: skip
