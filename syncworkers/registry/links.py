"""How trouble and letters find their order, and what was escalated its case, in SQL.

Cases, inquiries and returns name item and transaction (03 §7); the transaction is the order's line, or of an
order with one line the end of its legacyOrderId. An auction's transaction is 0: there the buyer tells. A row
that two orders would fit is linked to neither. Letters name an item and the other person (03 §3.5): theirs is
the last order of that person before the letter, else the first one after it.
"""

from __future__ import annotations

from .declarations import Link, Table

_SALE = """
SELECT t.id, min(o.order_id) AS value
FROM {rows} t
JOIN ebay_order_line_items l ON l.account_id = t.account_id AND l.legacy_item_id = t.item_id
JOIN ebay_orders o ON o.id = l.order_id
WHERE t.account_id = %(account)s AND t.order_id = '' AND t.item_id <> '' AND t.id = ANY(%(ids)s)
  AND CASE WHEN t.transaction_id IN ('', '0') THEN t.buyer <> '' AND o.buyer_username = t.buyer
           ELSE l.line_item_id = t.transaction_id OR (o.line_item_count = 1
                AND o.payload ->> 'legacyOrderId' = t.item_id || '-' || t.transaction_id) END
GROUP BY t.id HAVING count(DISTINCT o.order_id) = 1
"""
_LETTER = """
SELECT DISTINCT ON (t.id) t.id, o.order_id AS value
FROM {rows} t
JOIN ebay_order_line_items l ON l.account_id = t.account_id AND l.legacy_item_id = t.item_id
JOIN ebay_orders o ON o.id = l.order_id AND o.buyer_username <> ''
                  AND o.buyer_username IN (t.sender, t.recipient)
WHERE t.account_id = %(account)s AND t.item_id <> '' AND t.id = ANY(%(ids)s)
ORDER BY t.id, o.created_at_ebay > t.occurred_at,
         CASE WHEN o.created_at_ebay <= t.occurred_at THEN o.created_at_ebay END DESC,
         o.created_at_ebay, o.order_id
"""
_ROW_CHANGED = """
SELECT t.id FROM {rows} t WHERE t.account_id = %(account)s AND t.changed_at >= %(since)s AND t.item_id <> ''
"""
_ORDER_CHANGED = """
SELECT DISTINCT r.id
FROM ebay_orders c
JOIN ebay_order_line_items k ON k.order_id = c.id
JOIN {rows} r ON r.account_id = k.account_id AND r.item_id = k.legacy_item_id AND {fits}
WHERE c.account_id = %(account)s AND c.changed_at >= %(since)s
"""

# These look at what is not linked yet or was escalated, which is little: nothing tells when the other side
# has come.
_CASE_BY_RETURN = """
SELECT t.id, r.order_id AS value
FROM ebay_cases t
JOIN ebay_returns r ON r.account_id = t.account_id AND r.return_id = t.return_id
WHERE t.account_id = %(account)s AND t.order_id = '' AND t.return_id <> '' AND r.order_id <> ''
"""
# A sale may have several inquiries, each with a case: theirs is the one opened nearest to the escalation, and
# nearer to it than to any other's. Looked at again each time, since the right one may come later: who has the
# case of another one then has none.
_INQUIRY_BY_CASE = """
WITH pairs AS (
  SELECT t.id, c.case_id, abs(extract(epoch FROM c.occurred_at - t.escalated_at)) AS apart
  FROM ebay_inquiries t
  JOIN ebay_cases c ON c.account_id = t.account_id AND c.item_id = t.item_id
                   AND c.transaction_id = t.transaction_id AND c.case_type = 'ITEM_NOT_RECEIVED'
                   AND (c.transaction_id NOT IN ('', '0') OR c.buyer = t.buyer)
  WHERE t.account_id = %(account)s AND t.escalated_at IS NOT NULL AND t.item_id <> ''
    AND c.occurred_at >= t.occurred_at
),
nearest AS (
  SELECT id, case_id, rank() OVER (PARTITION BY id ORDER BY apart) AS of_inquiry,
         rank() OVER (PARTITION BY case_id ORDER BY apart) AS of_case
  FROM pairs
),
mutual AS (
  SELECT id, case_id, count(*) OVER (PARTITION BY id) AS cases,
         count(*) OVER (PARTITION BY case_id) AS inquiries
  FROM nearest WHERE of_inquiry = 1 AND of_case = 1
),
sure AS (SELECT id, case_id FROM mutual WHERE cases = 1 AND inquiries = 1)
SELECT id, case_id AS value FROM sure
UNION ALL
SELECT t.id, '' FROM ebay_inquiries t JOIN sure s ON s.case_id = t.case_id AND s.id <> t.id
WHERE t.account_id = %(account)s AND t.id NOT IN (SELECT id FROM sure)
"""
_RETURN_BY_CASE = """
SELECT t.id, min(c.case_id) AS value
FROM ebay_returns t
JOIN ebay_cases c ON c.account_id = t.account_id AND c.return_id = t.return_id
WHERE t.account_id = %(account)s AND t.case_id = ''
GROUP BY t.id HAVING count(*) = 1
"""


def _rows(table: Table) -> str:
    return table.model._meta.db_table


def order_of_sale(table: Table) -> Link:
    """Rows of `table` that changed find their order by item and transaction."""
    return _link_to_order(table, _SALE, _ROW_CHANGED)


def sale_of_order(table: Table) -> Link:
    """The same from the other side: orders that changed are found by rows that have none."""
    return _link_to_order(table, _SALE, _ORDER_CHANGED, fits="r.order_id = ''")


def order_of_letter(table: Table) -> Link:
    """Letters that changed find the order of their item and person."""
    return _link_to_order(table, _LETTER, _ROW_CHANGED)


def letter_of_order(table: Table) -> Link:
    """The same from the other side; a letter may move to an order that fits better."""
    return _link_to_order(table, _LETTER, _ORDER_CHANGED, fits="c.buyer_username IN (r.sender, r.recipient)")


def _link_to_order(table: Table, found: str, touched: str, **parts: str) -> Link:
    rows = _rows(table)
    return Link(table, "order_id", found.format(rows=rows), touched.format(rows=rows, **parts))


def order_of_case_by_return(cases: Table) -> Link:
    """A case that a return became has the order of the return."""
    return Link(cases, "order_id", _CASE_BY_RETURN)


def case_of_inquiry(inquiries: Table) -> Link:
    """The case that an escalated inquiry lives on as (03 §7.2)."""
    return Link(inquiries, "case_id", _INQUIRY_BY_CASE)


def case_of_return(returns: Table) -> Link:
    """The case that a return was escalated to, where only the case says so."""
    return Link(returns, "case_id", _RETURN_BY_CASE)
