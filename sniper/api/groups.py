"""`/api/sniper/groups…`."""

from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.access import principal_of_request
from accounts.api.lists import StrictList
from accounts.api.scoping import organization_of
from sniper.models import SnipeGroup
from sniper.services.groups import create_group, delete_group, edit_group

from .group_serializers import GroupDetailSerializer, GroupSerializer
from .inputs import GroupChange, GroupInput
from .snipes import asked, group_or_404


class DeletedSerializer(serializers.Serializer[None]):
    status = serializers.CharField()


class GroupList(StrictList[SnipeGroup]):
    """GET lists the groups of the caller's organisations; POST makes one (role operator)."""

    serializer_class = GroupSerializer
    ordering_fields = ("id", "name", "created_at")
    ordering = ("-id",)

    def get_queryset(self) -> QuerySet[SnipeGroup]:
        return SnipeGroup.objects.visible_to(principal_of_request(self.request))

    @extend_schema(request=GroupInput, responses={201: GroupDetailSerializer}, filters=False)
    def post(self, request: Request) -> Response:
        """Win at most so many of these auctions, for so much money altogether."""
        wanted = asked(request, GroupInput)
        organization = organization_of(request, wanted.pop("organization", None))
        group = create_group(organization, by=principal_of_request(request), **wanted)
        return Response(GroupDetailSerializer(group).data, status=201)


class GroupDetail(APIView):
    """One group, with its standing and the ends that overlap."""

    @extend_schema(responses=GroupDetailSerializer)
    def get(self, request: Request, group_id: int) -> Response:
        return Response(GroupDetailSerializer(group_or_404(request, group_id)).data)

    @extend_schema(request=GroupChange(partial=True), responses=GroupDetailSerializer)
    def patch(self, request: Request, group_id: int) -> Response:
        """The next bid of the group follows the new rules; role operator."""
        group = group_or_404(request, group_id)
        wanted = asked(request, GroupChange)
        no_budget = "budget" in wanted and wanted["budget"] is None
        edit_group(group, by=principal_of_request(request), clear_budget=no_budget, **wanted)
        return Response(GroupDetailSerializer(group).data)

    @extend_schema(responses={200: DeletedSerializer})
    def delete(self, request: Request, group_id: int) -> Response:
        """Only while none of its snipes lives; role operator."""
        delete_group(group_or_404(request, group_id), by=principal_of_request(request))
        return Response({"status": "deleted"})
