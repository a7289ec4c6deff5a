"""What belongs to an order besides its lines and money: letters, returns, cases, inquiries and disputes.

Returns and payment disputes name their order; cases and inquiries name item and transaction (03 §7.1, 7.2),
and the transaction is the order's line item. An auction's transaction is 0: there the buyer tells. Letters
name an item and the other person (03 §3.5).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q, QuerySet

from .models import Case, Inquiry, Message, Order, OrderLineItem, PaymentDispute, Return


@dataclass(frozen=True)
class OrderLinks:
    """Rows of the order's account, the latest first, each without its payload."""

    returns: QuerySet[Return]
    cases: QuerySet[Case]
    inquiries: QuerySet[Inquiry]
    disputes: QuerySet[PaymentDispute]
    messages: QuerySet[Message]


def order_links(order: Order) -> OrderLinks:
    """All that is stored about the order; querysets, so that the caller may cut them."""
    lines = [line for line in order.line_items.all() if line.legacy_item_id]
    of_order = Q(order_id=order.order_id)
    by_sale = of_order | (Q(order_id="") & _sales(lines, order.buyer_username))
    return OrderLinks(
        returns=_rows(Return, order).filter(by_sale),
        cases=_rows(Case, order).filter(by_sale),
        inquiries=_rows(Inquiry, order).filter(by_sale),
        disputes=_rows(PaymentDispute, order).filter(of_order),
        messages=_rows(Message, order).filter(_letters(lines, order.buyer_username)),
    )


def _rows(model: Any, order: Order) -> QuerySet[Any]:
    rows: QuerySet[Any] = model.objects.filter(account_id=order.account_id).defer("payload")
    return rows


_NOTHING = Q(pk__in=[])


def _sales(lines: list[OrderLineItem], buyer: str) -> Q:
    """Rows about one of these lines."""
    lines_of_sale = [_sale(line, buyer) for line in lines]
    return reduce(or_, lines_of_sale, _NOTHING)


def _sale(line: OrderLineItem, buyer: str) -> Q:
    sale = Q(item_id=line.legacy_item_id, transaction_id=line.line_item_id)
    if not buyer:
        return sale
    return sale | Q(item_id=line.legacy_item_id, transaction_id__in=["", "0"], buyer=buyer)


def _letters(lines: list[OrderLineItem], buyer: str) -> Q:
    """To and from the buyer about the order's items; none while eBay withholds who bought."""
    items = {line.legacy_item_id for line in lines}
    if not items or not buyer:
        return _NOTHING
    return Q(item_id__in=items) & (Q(sender=buyer) | Q(recipient=buyer))
