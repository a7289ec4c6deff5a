from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.display import badge, when
from accounts.safe_html import safe_html
from accounts.scoped_admin import AccountFilter
from syncworkers.models import Message, MessageBody, Order

from .codes import coded
from .data_rows import ClosedFilter, SyncedRowAdmin, id_of, page_of, row_link
from .detail_rows import DetailAdmin, detail_of

_FOLDERS = {"0": "Inbox", "1": "Sent"}


def text_of(body: MessageBody) -> SafeString:
    """The text with its thread where eBay gives that; strangers wrote it, so it is sanitised."""
    return safe_html(body.html or body.content)


def message_marks(message: Message) -> SafeString:
    """Gone from eBay, unread, answered, flagged, important: what of it is so."""
    badges = (
        badge("gone", "grey") if message.closed_at else "",
        badge("unread", "grey") if message.is_read is False else "",
        badge("answered", "green") if message.is_replied else "",
        badge("flagged", "amber") if message.is_flagged else "",
        badge("important", "amber") if message.is_high_priority else "",
    )
    return format_html('<span class="ec-row">{}{}{}{}{}</span>', *badges)


class FolderFilter(admin.SimpleListFilter):
    title = "folder"
    parameter_name = "folder"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [*_FOLDERS.items(), ("own", "Own folders")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        wanted = self.value()
        if wanted == "own":
            return queryset.exclude(folder_id__in=["", *_FOLDERS])
        return queryset.filter(folder_id=wanted) if wanted in _FOLDERS else queryset


@admin.register(Message)
class MessageAdmin(SyncedRowAdmin):
    list_display = (
        "subject_line", "house_name", "received", "folder", "sender", "recipient", "item_id", "order",
        "marks", "changed",
    )  # fmt: skip
    list_filter = (
        AccountFilter, ClosedFilter, FolderFilter, "is_read", "is_replied", "is_flagged", "message_type",
        "question_type", "occurred_at",
    )  # fmt: skip
    search_fields = ("message_id", "subject", "sender", "recipient", "item_id", "item_title", "order_id")
    search_help_text = "Message, subject, sender, recipient, item or its title, order"
    fieldsets = page_of(
        ("subject", "message_id"),
        ("account", "house_name"),
        ("sender", "recipient"),
        ("occurred_at", "expires_at"),
        ("folder", "marks"),
        ("type_words", "question_words"),
        ("item_id", "item_title"),
        ("ended", "can_be_answered"),
        ("order", "external_id"),
        ("stage", "check_at"),
        ("first_seen_at", "changed_at"),
        ("closed_at",),
        Text="text",
    )
    csv_columns = (
        "message_id", "house_name", "occurred_at", "folder_id", "sender", "recipient", "subject", "item_id",
        "item_title", "order_id", "message_type", "question_type", "is_read", "is_replied", "is_flagged",
        "is_high_priority", "can_be_answered", "external_id", "expires_at", "closed_at",
        "changed_at",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).annotate(order_pk=id_of(Order, order_id="order_id"))

    @display(description="order", ordering="order_id")
    def order(self, message: Any) -> SafeString | str:
        return row_link(Order, message.order_pk, message.order_id)

    @display(description="subject", ordering="subject")
    def subject_line(self, message: Message) -> str:
        return message.subject or "(no subject)"

    @display(description="received", ordering="occurred_at")
    def received(self, message: Message) -> SafeString:
        return when(message.occurred_at)

    @display(description="folder", ordering="folder_id")
    def folder(self, message: Message) -> str:
        return _FOLDERS.get(message.folder_id, f"Own folder {message.folder_id}")

    type_words = coded("message_type", "type")
    question_words = coded("question_type", "question about")
    ended = coded("listing_status", "the listing is")

    @display(description="state", ordering="is_read")
    def marks(self, message: Message) -> SafeString:
        return message_marks(message)

    @display(description="what is written")
    def text(self, message: Message) -> SafeString | str:
        body = detail_of(message, MessageBody, "message_id")
        return text_of(body) if body else "The text was not read yet."


@admin.register(MessageBody)
class MessageBodyAdmin(DetailAdmin):
    parent, key = Message, "message_id"
    list_display = ("message_id", "house_name", "beginning", "changed")
    list_filter = (AccountFilter,)
    search_fields = ("message_id", "content")
    search_help_text = "Message, or a word of its text"
    fieldsets = page_of(
        ("message_id", "record"), ("account", "house_name"), ("first_seen_at", "changed_at"), Text="text"
    )
    csv_columns = ("message_id", "house_name", "content", "changed_at")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).annotate(parent_pk=id_of(Message, message_id="message_id"))

    @display(description="begins with")
    def beginning(self, body: MessageBody) -> str:
        return body.content[:100]

    @display(description="what is written")
    def text(self, body: MessageBody) -> SafeString:
        return text_of(body)
