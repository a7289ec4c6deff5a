"""Returns (Post-Order, 03 §7.3)."""

from __future__ import annotations

from datetime import timedelta

from django.db import models

from ebayconnector.ebay import endpoints, post_order
from syncworkers.mappers.returns import learned_of_return, return_detail_row, return_row
from syncworkers.models import Return, ReturnDetail

from .declarations import SELLING, Details, Recheck, Table, Windows, Worker, named
from .links import case_of_return, order_of_sale
from .post_order import POST_ORDER_LATE, POST_ORDER_LOOKBACK, POST_ORDER_WINDOW, WITH_POST_ORDER, unsettled

RETURNS = Table(
    key="returns",
    title="Returns",
    model=Return,
    natural_key=("return_id",),
    record_key=named("returnId"),
    mapper=return_row,
    time_field="creationInfo.creationDate",
)
RETURN_DETAILS = Table(
    key="return_details",
    title="Return details",
    model=ReturnDetail,
    natural_key=("return_id",),
    record_key=named("returnId"),
    mapper=return_detail_row,
)

WORKER = Worker(
    key="returns",
    title="Returns",
    source="Post-Order return",
    fresh_means="every return opened since the last run; open ones are read again each hour",
    endpoint=endpoints.SEARCH_RETURNS,
    table=RETURNS,
    reads=Windows(post_order.return_pages, longest=POST_ORDER_WINDOW),
    steps=(
        Recheck(
            statuses=("ALL_OPEN",),
            source=post_order.returns_with_status,
            every=timedelta(hours=1),
            late=POST_ORDER_LATE,
        ),
        Details(
            of=RETURNS,
            fetch=lambda client, rows: [post_order.get_return(client, rows[0].return_id)],
            into=RETURN_DETAILS,
            learn=learned_of_return,
            unsettled=unsettled(~models.Q(maturity="final"), ended="last_activity_at"),
        ),
    ),
    links=(order_of_sale(RETURNS), case_of_return(RETURNS)),
    purposes=SELLING,
    longest_lookback=POST_ORDER_LOOKBACK,
    environments=WITH_POST_ORDER,
    calls_per_run=2.0,
)
