"""Letters and their texts (Trading, 03 §3.5)."""

from __future__ import annotations

from datetime import timedelta

from ebayconnector.ebay import endpoints, messages
from syncworkers.mappers.messages import message_body_row, message_row
from syncworkers.models import Message, MessageBody

from .declarations import ANYBODY, Details, Recheck, Table, Windows, Worker, named
from .links import order_of_letter

MESSAGES = Table(
    key="messages",
    title="Messages",
    model=Message,
    natural_key=("message_id",),
    record_key=named("MessageID"),
    mapper=message_row,
    time_field="ReceiveDate",
    # A text is not written twice; what changes are flags, folders and the listing's state.
    details_once=True,
)
MESSAGE_BODIES = Table(
    key="message_bodies",
    title="Message texts",
    model=MessageBody,
    natural_key=("message_id",),
    record_key=named("MessageID"),
    mapper=message_body_row,
)

WORKER = Worker(
    key="messages",
    title="Messages",
    source="Trading GetMyMessages",
    fresh_means="every letter since the last run, both ways, with its text; flags are looked at for 60 days",
    endpoint=endpoints.GET_MY_MESSAGES,
    table=MESSAGES,
    # The overlap keeps the flags of the last day current at no extra call.
    reads=Windows(messages.message_pages, overlap=timedelta(days=1)),
    steps=(
        Recheck(every=timedelta(hours=6), together=True),
        Details(
            of=MESSAGES,
            fetch=lambda client, rows: messages.message_bodies(client, [row.message_id for row in rows]),
            into=MESSAGE_BODIES,
            batch=10,
        ),
    ),
    links=(order_of_letter(MESSAGES),),
    purposes=ANYBODY,
    # 03 §3.5: a message lives for a year.
    longest_lookback=timedelta(days=364),
    calls_per_run=2.5,
)
