"""Cases (Post-Order, 03 §7.1) and payment disputes (Fulfillment, 03 §4.3)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import models

from ebayconnector.ebay import disputes, endpoints, post_order
from ebayconnector.ebay.client import EbayClient
from syncworkers.mappers.cases import case_detail_row, case_row, learned_of_case
from syncworkers.mappers.disputes import dispute_detail_row, dispute_row, learned_of_dispute
from syncworkers.mappers.reading import JsonObject
from syncworkers.models import Case, CaseDetail, PaymentDispute, PaymentDisputeDetail, Return

from .declarations import SELLING, Details, Part, Recheck, Summary, Table, Windows, Worker, named
from .inquiries import INQUIRIES
from .links import case_of_inquiry, case_of_return, order_of_case_by_return, order_of_sale
from .post_order import POST_ORDER_LATE, POST_ORDER_LOOKBACK, POST_ORDER_WINDOW, WITH_POST_ORDER, unsettled
from .returns import RETURNS

CASES = Table(
    key="cases",
    title="Cases",
    model=Case,
    natural_key=("case_id",),
    record_key=named("caseId"),
    mapper=case_row,
    time_field="creationDate",
)
CASE_DETAILS = Table(
    key="case_details",
    title="Case details",
    model=CaseDetail,
    natural_key=("case_id",),
    record_key=named("caseId"),
    mapper=case_detail_row,
)
DISPUTES = Table(
    key="payment_disputes",
    title="Payment disputes",
    model=PaymentDispute,
    natural_key=("payment_dispute_id",),
    record_key=named("paymentDisputeId"),
    mapper=dispute_row,
    time_field="openDate",
)
DISPUTE_DETAILS = Table(
    key="payment_dispute_details",
    title="Payment dispute details",
    model=PaymentDisputeDetail,
    natural_key=("payment_dispute_id",),
    record_key=named("paymentDisputeId"),
    mapper=dispute_detail_row,
)


def _all_disputes(client: EbayClient) -> Sequence[JsonObject]:
    """Every dispute that eBay still lists."""
    end = client.ebay_now() - timedelta(seconds=5)
    return disputes.every_dispute(client, start=end - disputes.LONGEST_LOOKBACK, end=end)


def _named_by_returns(account_id: int, since: datetime) -> Iterable[str]:
    """The search of cases goes back less far than it is asked to."""
    stored = Case.objects.filter(account_id=account_id, case_id=models.OuterRef("case_id"))
    named = Return.objects.filter(~models.Exists(stored), account_id=account_id, occurred_at__gte=since)
    return named.exclude(case_id="").values_list("case_id", flat=True).order_by().distinct()


_DISPUTES = Part("payment_disputes", "Payment disputes", endpoints.GET_PAYMENT_DISPUTES)


WORKER = Worker(
    key="cases",
    title="Cases",
    source="Post-Order casemanagement, Fulfillment payment_dispute",
    fresh_means="every case opened since the last run, open ones each hour; all payment disputes",
    endpoint=endpoints.SEARCH_CASES,
    table=CASES,
    reads=Windows(post_order.case_pages, longest=POST_ORDER_WINDOW),
    steps=(
        Recheck(
            statuses=("OPEN", "WAITING_CS", "WAITING_DELIVERY", "ON_HOLD", "REFUND_AGREED_BUT_FAILED"),
            source=post_order.cases_with_status,
            every=timedelta(hours=1),
            late=POST_ORDER_LATE,
            named=_named_by_returns,
            by_id=post_order.case_as_listed,
        ),
        Details(
            of=CASES,
            fetch=lambda client, rows: [post_order.get_case(client, rows[0].case_id)],
            into=CASE_DETAILS,
            learn=learned_of_case,
            unsettled=unsettled(~models.Q(maturity="final"), ended="ebay_modified_at"),
        ),
        Summary(fetch=_all_disputes, into=DISPUTES, closes=False, part=_DISPUTES),
        Details(
            of=DISPUTES,
            fetch=lambda client, rows: [disputes.get_dispute(client, rows[0].payment_dispute_id)],
            into=DISPUTE_DETAILS,
            learn=learned_of_dispute,
            unsettled=unsettled(~models.Q(dispute_status="CLOSED"), ended="ended_at"),
            again=timedelta(hours=6),
            part=_DISPUTES,
        ),
    ),
    links=(
        order_of_sale(CASES),
        order_of_case_by_return(CASES),
        case_of_inquiry(INQUIRIES),
        case_of_return(RETURNS),
    ),
    purposes=SELLING,
    longest_lookback=POST_ORDER_LOOKBACK,
    environments=WITH_POST_ORDER,
    calls_per_run=2.0,
)
