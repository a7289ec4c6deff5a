"""`/api/ebay-accounts/`: the connected accounts, connecting, reconnecting, disconnecting, refreshing."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.access import principal_of_request
from accounts.api.lists import StrictList
from accounts.api.scoping import organization_of, visible_or_404
from accounts.models import EbayAccount, Organization
from accounts.services import change_account
from tokens.services.by_hand import refresh_by_hand
from tokens.services.connect import create_connect_link
from tokens.services.disconnect import disconnect
from tokens.services.refresh import Refreshed, RefreshUnderWay

from .filters import AccountFilters
from .serializers import (
    AccountChange,
    AccountSerializer,
    ConnectInput,
    ConnectLinkSerializer,
    Disconnected,
    ReconnectInput,
    RefreshResult,
)


def account_or_404(request: Request, account_id: int) -> EbayAccount:
    """The account with its token and organisation, when the caller sees it. Raises Http404."""
    rows = EbayAccount.objects.select_related("token", "organization")
    return visible_or_404(rows, request, account_id)


def answered(refreshed: Refreshed) -> Refreshed:
    """The result of an attempt. Raises RefreshUnderWay when somebody else's is not finished."""
    if refreshed.error_code == RefreshUnderWay().code:
        raise RefreshUnderWay
    return refreshed


class AccountList(StrictList[EbayAccount]):
    """GET lists the accounts of the caller's organisations; POST starts connecting one (role admin)."""

    serializer_class = AccountSerializer
    filterset_class = AccountFilters
    ordering_fields = ("id", "house_name", "username", "environment")
    ordering = ("house_name",)

    def get_queryset(self) -> QuerySet[EbayAccount]:
        return EbayAccount.objects.visible_to(principal_of_request(self.request)).select_related("token")

    @extend_schema(request=ConnectInput, responses={201: ConnectLinkSerializer}, filters=False)
    def post(self, request: Request) -> Response:
        asked = ConnectInput(data=request.data)
        asked.is_valid(raise_exception=True)
        organization_id = asked.validated_data.pop("organization", None)
        organization = organization_of(request, organization_id)
        return _link(request, organization, **asked.validated_data)


class AccountDetail(APIView):
    """One account."""

    @extend_schema(responses=AccountSerializer)
    def get(self, request: Request, account_id: int) -> Response:
        return Response(AccountSerializer(account_or_404(request, account_id)).data)

    @extend_schema(request=AccountChange(partial=True), responses=AccountSerializer)
    def patch(self, request: Request, account_id: int) -> Response:
        """Rename, re-purpose, deactivate or reactivate; role admin. Switch all workers: role operator.

        Rows copied from eBay keep the house name of their time. A house name that another active account
        has answers 409.
        """
        account = account_or_404(request, account_id)
        wanted = AccountChange(data=request.data, partial=True)
        wanted.is_valid(raise_exception=True)
        change_account(account, by=principal_of_request(request), **wanted.validated_data)
        return Response(AccountSerializer(account_or_404(request, account_id)).data)

    @extend_schema(
        parameters=[OpenApiParameter("data", str, required=True, enum=["keep", "delete"])],
        responses={200: Disconnected, 202: Disconnected},
    )
    def delete(self, request: Request, account_id: int) -> Response:
        """Disconnect: the token is deleted and the account deactivated; role admin.

        `data=keep` keeps what was copied from eBay (200), `data=delete` has it deleted by a job (202).
        """
        account = account_or_404(request, account_id)
        what = request.query_params.get("data")
        if what not in ("keep", "delete"):
            raise ValidationError({"data": ["say data=keep or data=delete"]})
        disconnect(account, delete_data=what == "delete", by=principal_of_request(request))
        if what == "delete":
            return Response({"status": "deleting"}, status=202)
        return Response({"status": "disconnected"})


class AccountReconnect(APIView):
    """Role admin."""

    @extend_schema(request=ReconnectInput, responses={201: ConnectLinkSerializer})
    def post(self, request: Request, account_id: int) -> Response:
        """A link to give the consent anew; only the same eBay user can use it."""
        account = account_or_404(request, account_id)
        asked = ReconnectInput(data=request.data)
        asked.is_valid(raise_exception=True)
        return _link(
            request,
            account.organization,
            house_name=account.house_name,
            purpose=account.purpose,
            environment=account.environment,
            account=account,
            **asked.validated_data,
        )


class AccountRefresh(APIView):
    """Role operator."""

    @extend_schema(request=None, responses=RefreshResult)
    def post(self, request: Request, account_id: int) -> Response:
        """Refresh the token now. The attempt was made, so the answer is 200; `success` says how it ended.

        503 with Retry-After when another process is refreshing it at this moment.
        """
        account = account_or_404(request, account_id)
        result = answered(refresh_by_hand(account, by=principal_of_request(request)))
        return Response(
            {"success": result.success, "error_code": result.error_code, "error": result.error_text}
        )


def _link(request: Request, organization: Organization, **wanted: Any) -> Response:
    ticket, url = create_connect_link(organization=organization, by=principal_of_request(request), **wanted)
    link = ConnectLinkSerializer({"authorize_url": url, "expires_at": ticket.link_expires_at})
    return Response(link.data, status=201)
