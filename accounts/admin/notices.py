from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.display import badge, when
from accounts.models import MailState, Notice, NoticeMail, Role
from accounts.notices import Kind
from accounts.scoped_admin import AccountFilter, ScopedAdmin, ScopedInline

_MAIL_TONES = {
    MailState.SENT: "green", MailState.UNCLEAR: "red", MailState.SENDING: "blue", MailState.DROPPED: "grey"
}  # fmt: skip


class StateFilter(admin.SimpleListFilter):
    """Without a choice the open ones: the others are history."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("closed", "Closed"), ("all", "All")]

    def choices(self, changelist: Any) -> Any:
        first, *others = super().choices(changelist)
        yield {**first, "display": "Open"}
        yield from others

    def queryset(self, request: HttpRequest, queryset: QuerySet[Notice]) -> QuerySet[Notice]:
        if self.value() == "closed":
            return queryset.exclude(closed_at=None)
        return queryset if self.value() == "all" else queryset.filter(closed_at=None)


class KindFilter(admin.SimpleListFilter):
    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [(kind.value, kind.label) for kind in Kind]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Notice]) -> QuerySet[Notice]:
        return queryset.filter(kind=self.value()) if self.value() else queryset


class NoticeMailInline(ScopedInline):
    model = NoticeMail
    view_role = Role.ADMIN
    verbose_name_plural = "E-mail"
    fields = ("state", "recipients", "attempts", "created_at", "sent_at", "next_attempt_at", "error")
    readonly_fields = fields


@admin.register(Notice)
class NoticeAdmin(ScopedAdmin):
    """Notices open and close by themselves; nothing is done here but read."""

    list_display = ("what", "state", "told", "opened", "email")
    list_display_links = ("what",)
    list_filter = (StateFilter, KindFilter, AccountFilter)
    search_fields = ("title", "text")
    ordering = ("-urgent", "-opened_at", "-id")
    inlines = (NoticeMailInline,)
    fields = (
        "title", "state", "text", "put_right", "account", "organization", "opened_at", "changed_at",
        "closed_at",
    )  # fmt: skip
    readonly_fields = ("state", "put_right")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("organization").prefetch_related("mails")

    @display(description="notice", ordering="title")
    def what(self, notice: Notice) -> str:
        return notice.title

    @display(description="state", ordering="urgent")
    def state(self, notice: Notice) -> SafeString:
        if notice.closed_at:
            return badge("closed", "grey", title=f"{notice.closed_at:%Y-%m-%d %H:%M} UTC")
        return badge(notice.kind, "red" if notice.urgent else "amber")

    @display(description="what to do")
    def told(self, notice: Notice) -> SafeString:
        return format_html('<span class="ec-words">{}</span>', notice.text)

    @display(description="opened", ordering="opened_at")
    def opened(self, notice: Notice) -> SafeString:
        return when(notice.opened_at)

    @display(description="e-mail")
    def email(self, notice: Notice) -> SafeString | str:
        mails = list(notice.mails.all())
        if not mails:
            return ""
        state = MailState(mails[-1].state)
        word = "cannot be sent" if mails[-1].error and state == MailState.WAITING else state.value
        return badge(word, _MAIL_TONES.get(state, "amber"))

    @display(description="where it is put right")
    def put_right(self, notice: Notice) -> SafeString | str:
        return format_html('<a class="ec-link" href="{}">{}</a>', notice.path, "Open") if notice.path else ""
