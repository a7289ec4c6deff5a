"""The sections "Lines", "Trouble" and "Messages" of an order's page."""

from __future__ import annotations

from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from syncworkers.models import (
    ActiveListing,
    Case,
    Inquiry,
    Message,
    MessageBody,
    Order,
    OrderLineItem,
    PaymentDispute,
    Return,
)
from syncworkers.order_links import order_links

from .codes import code_words
from .data_rows import amount_cell, row_link
from .letters import message_marks, text_of
from .statuses import trouble_badge

_SHOWN = 50
# Texts are up to half a megabyte each; older letters are a link away.
_TEXTS = 5


def lines_section(order: Order) -> SafeString:
    """What was sold, each line with a link to its listing while that is stored."""
    lines = list(order.line_items.all())
    items = [line.legacy_item_id for line in lines if line.legacy_item_id]
    listings = ActiveListing.objects.filter(account_id=order.account_id, item_id__in=items)
    pks = dict(listings.values_list("item_id", "pk"))
    rows = [_sold(line, pks.get(line.legacy_item_id)) for line in lines]
    return render_to_string("syncworkers/_order_lines.html", {"rows": rows})


def _sold(line: OrderLineItem, listing_pk: int | None) -> dict[str, Any]:
    return {
        "line": line,
        "item": row_link(ActiveListing, listing_pk, line.legacy_item_id),
        "status": code_words(line.fulfillment_status),
        "cost": amount_cell(line.cost, line.currency),
        "total": amount_cell(line.total, line.currency),
    }


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
    """The letters about the order's items to and from its buyer, the latest first and with their texts."""
    rows = list(order_links(order).messages[: _SHOWN + 1])
    with_text = [row.message_id for row in rows[:_TEXTS]]
    bodies = MessageBody.objects.filter(account_id=order.account_id, message_id__in=with_text)
    texts = {body.message_id: text_of(body) for body in bodies}
    messages = [_letter(row, texts.get(row.message_id)) for row in rows[:_SHOWN]]
    context = {"messages": messages, "cut": len(rows) > _SHOWN}
    return render_to_string("syncworkers/_order_messages.html", context)


def _letter(row: Message, text: SafeString | None) -> dict[str, Any]:
    link = row_link(Message, row.pk, "Its own page")
    return {"row": row, "subject": row.subject or "(no subject)", "link": link, "text": text,
            "marks": message_marks(row)}  # fmt: skip


def _line(kind: str, row: Any, number: str, status: str, **more: Any) -> dict[str, Any]:
    link = row_link(type(row), row.pk, number)
    return {"kind": kind, "row": row, "link": link, "status": trouble_badge(status), **more} | {
        "why": code_words(more["why"])
    }


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
