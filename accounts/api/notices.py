"""`/api/notices/`: what a person should know, open or closed."""

from __future__ import annotations

from django.db.models import QuerySet
from rest_framework import serializers

from accounts.access import principal_of_request
from accounts.models import Notice

from .lists import Filters, IdFilter, StrictList, SwitchFilter, WordsFilter


class NoticeSerializer(serializers.ModelSerializer[Notice]):
    """One notice per cause, open while it lasts (`closed_at` null). `kind` is a word, `stage` grows with each
    threshold crossed. Notices without an organisation are the installation's, for superusers.
    """

    organization_id = serializers.IntegerField(allow_null=True)
    account_id = serializers.IntegerField(allow_null=True)

    class Meta:
        model = Notice
        fields = (
            "id", "organization_id", "account_id", "kind", "stage", "urgent", "title", "text", "path",
            "opened_at", "changed_at", "closed_at",
        )  # fmt: skip


class NoticeFilters(Filters):
    open = SwitchFilter(field_name="closed_at", lookup_expr="isnull")
    kind = WordsFilter(lookup_expr="in")
    account_id = IdFilter(field_name="account_id")
    organization = IdFilter(field_name="organization_id")
    urgent = SwitchFilter()

    class Meta:
        model = Notice
        fields: list[str] = []


class NoticeList(StrictList[Notice]):
    """The notices of the caller's organisations, newest first; `open=true` for those that stand now."""

    serializer_class = NoticeSerializer
    filterset_class = NoticeFilters
    ordering_fields = ("id", "opened_at", "closed_at")
    ordering = ("-opened_at", "-id")

    def get_queryset(self) -> QuerySet[Notice]:
        return Notice.objects.visible_to(principal_of_request(self.request))
