"""Inquiries about what did not arrive (Post-Order, 03 §7.2)."""

from __future__ import annotations

from datetime import timedelta

from django.db import models

from ebayconnector.ebay import endpoints, post_order
from syncworkers.mappers.cases import inquiry_detail_row, inquiry_row, learned_of_inquiry
from syncworkers.models import Inquiry, InquiryDetail

from .declarations import SELLING, Details, Recheck, Table, Windows, Worker, named
from .links import case_of_inquiry, order_of_sale
from .post_order import POST_ORDER_LATE, POST_ORDER_LOOKBACK, POST_ORDER_WINDOW, WITH_POST_ORDER, unsettled

INQUIRIES = Table(
    key="inquiries",
    title="Inquiries",
    model=Inquiry,
    natural_key=("inquiry_id",),
    record_key=named("inquiryId"),
    mapper=inquiry_row,
    time_field="creationDate",
)
INQUIRY_DETAILS = Table(
    key="inquiry_details",
    title="Inquiry details",
    model=InquiryDetail,
    natural_key=("inquiry_id",),
    record_key=named("inquiryId"),
    mapper=inquiry_detail_row,
)

WORKER = Worker(
    key="inquiries",
    title="Inquiries",
    source="Post-Order inquiry",
    fresh_means="every inquiry opened since the last run; open ones are read again each hour",
    endpoint=endpoints.SEARCH_INQUIRIES,
    table=INQUIRIES,
    reads=Windows(post_order.inquiry_pages, longest=POST_ORDER_WINDOW),
    steps=(
        Recheck(
            statuses=("OPEN", "PENDING", "WAITING_BUYER_RESPONSE", "WAITING_SELLER_RESPONSE"),
            source=post_order.inquiries_with_status,
            every=timedelta(hours=1),
            late=POST_ORDER_LATE,
        ),
        Details(
            of=INQUIRIES,
            fetch=lambda client, rows: [post_order.get_inquiry(client, rows[0].inquiry_id)],
            into=INQUIRY_DETAILS,
            learn=learned_of_inquiry,
            unsettled=unsettled(~models.Q(maturity="final"), ended="ebay_modified_at"),
        ),
    ),
    links=(order_of_sale(INQUIRIES), case_of_inquiry(INQUIRIES)),
    purposes=SELLING,
    longest_lookback=POST_ORDER_LOOKBACK,
    environments=WITH_POST_ORDER,
    calls_per_run=2.0,
)
