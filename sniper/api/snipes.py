"""`/api/sniper/snipes…`: planning, changing, cancelling, reading."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO, Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser, FormParser, JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from accounts.access import principal_of_request
from accounts.api.lists import LogPages, StrictList
from accounts.api.scoping import visible_or_404
from accounts.models import EbayAccount
from sniper.models import Snipe, SnipeEvent, SnipeGroup
from sniper.services.bulk import plan_bulk
from sniper.services.change import cancel_snipe
from sniper.services.plan import plan_snipe, preview_item
from sniper.services.revise import revise_snipe

from .filters import EventFilters, SnipeFilters
from .inputs import BulkInput, PreviewInput, SnipeChange, SnipeInput
from .serializers import (
    BulkSerializer,
    EventSerializer,
    PlannedSerializer,
    PreviewSerializer,
    SnipeCancelledSerializer,
    SnipeDetailSerializer,
    SnipeSerializer,
)


def asked(request: Request, kind: type[Serializer[Any]]) -> dict[str, Any]:
    """The validated body. Raises ValidationError."""
    wanted = kind(data=request.data)
    wanted.is_valid(raise_exception=True)
    values: dict[str, Any] = wanted.validated_data
    return values


def account_or_404(request: Request, account_id: int) -> EbayAccount:
    return visible_or_404(EbayAccount.objects.select_related("token"), request, account_id)


def snipe_or_404(request: Request, snipe_id: int) -> Snipe:
    return visible_or_404(Snipe.objects.select_related("account", "group"), request, snipe_id)


def group_or_404(request: Request, group_id: int) -> SnipeGroup:
    return visible_or_404(SnipeGroup.objects.all(), request, group_id)


def _with_group(request: Request, wanted: dict[str, Any]) -> dict[str, Any]:
    """`group` for `group_id`, where it was given."""
    if "group_id" not in wanted:
        return wanted
    group_id = wanted.pop("group_id")
    return wanted | {"group": group_or_404(request, group_id) if group_id else None}


class SnipeList(StrictList[Snipe]):
    """GET lists the snipes of the caller's accounts, newest first; POST plans one (role operator)."""

    serializer_class = SnipeSerializer
    filterset_class = SnipeFilters
    ordering_fields = ("id", "created_at", "end_time", "fire_at", "finished_at")
    ordering = ("-id",)

    def get_queryset(self) -> QuerySet[Snipe]:
        return Snipe.objects.visible_to(principal_of_request(self.request)).select_related("account")

    @extend_schema(request=SnipeInput, responses={201: PlannedSerializer}, filters=False)
    def post(self, request: Request) -> Response:
        """Bid on an auction at the last moment. The item is looked up at eBay first.

        400 says what is wrong with it, 409 that there is a live snipe on the item (`already_planned`) or
        that another account of the organisation bids on it too (`needs_confirmation`), 503 that eBay did
        not show the item.
        """
        wanted = _with_group(request, asked(request, SnipeInput))
        account = account_or_404(request, wanted.pop("ebay_account_id"))
        by = principal_of_request(request)
        planned = plan_snipe(account, item=wanted.pop("item_id"), by=by, **wanted)
        answer = {**PlannedSerializer(planned.snipe).data, "warnings": list(planned.warnings)}
        return Response(answer, status=201)


class SnipeDetail(APIView):
    """One snipe."""

    @extend_schema(responses=SnipeDetailSerializer)
    def get(self, request: Request, snipe_id: int) -> Response:
        return Response(SnipeDetailSerializer(snipe_or_404(request, snipe_id)).data)

    @extend_schema(request=SnipeChange(partial=True), responses=SnipeDetailSerializer)
    def patch(self, request: Request, snipe_id: int) -> Response:
        """Change maximum, seconds, comment or group while it is `scheduled` (else 409); role operator."""
        snipe = snipe_or_404(request, snipe_id)
        changes = _with_group(request, asked(request, SnipeChange))
        revise_snipe(snipe, changes, by=principal_of_request(request))
        return Response(SnipeDetailSerializer(snipe_or_404(request, snipe_id)).data)

    @extend_schema(responses={200: SnipeCancelledSerializer, 409: SnipeCancelledSerializer})
    def delete(self, request: Request, snipe_id: int) -> Response:
        """Cancel it; role operator. 409 when it is too late, with the snipe as it is."""
        snipe = snipe_or_404(request, snipe_id)
        cancelled = cancel_snipe(snipe, by=principal_of_request(request))
        answer = SnipeCancelledSerializer({"cancelled": cancelled, "snipe": snipe}).data
        return Response(answer, status=200 if cancelled else 409)


class SnipeLogs(StrictList[SnipeEvent]):
    """The lines of a snipe's log, oldest first; read on with `after=<id of the last line>`."""

    serializer_class = EventSerializer
    filterset_class = EventFilters
    pagination_class = LogPages
    ordering = ("id",)

    def get_queryset(self) -> QuerySet[SnipeEvent]:
        if getattr(self, "swagger_fake_view", False):
            return SnipeEvent.objects.none()
        return SnipeEvent.objects.filter(snipe=snipe_or_404(self.request, self.kwargs["snipe_id"]))


class ItemPreview(APIView):
    """Role operator."""

    @extend_schema(request=PreviewInput, responses=PreviewSerializer)
    def post(self, request: Request) -> Response:
        """Look an item up at eBay without planning anything."""
        wanted = asked(request, PreviewInput)
        account = account_or_404(request, wanted["ebay_account_id"])
        preview = preview_item(account, item=wanted["item_id"], by=principal_of_request(request))
        return Response(PreviewSerializer(preview).data)


class CsvParser(BaseParser):
    """`Content-Type: text/csv`: the body is the file, UTF-8."""

    media_type = "text/csv"

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            return {"csv": stream.read().decode("utf-8")}
        except UnicodeDecodeError:
            raise ParseError("the text is not UTF-8") from None


class SnipeBulk(APIView):
    """Role operator."""

    parser_classes: ClassVar[Sequence[type[BaseParser]]] = (  # type: ignore[misc]
        JSONParser, CsvParser, FormParser, MultiPartParser,
    )  # fmt: skip

    @extend_schema(
        request={"application/json": BulkInput, "text/csv": {"type": "string"}}, responses=BulkSerializer
    )
    def post(self, request: Request) -> Response:
        """Plan many snipes from a CSV text, at most 200: each row says what came of it.

        The text may be sent again: what is planned already answers `already_planned`.
        """
        wanted = asked(request, BulkInput)
        account = account_or_404(request, wanted["ebay_account_id"]) if "ebay_account_id" in wanted else None
        rows = plan_bulk(wanted["csv"], by=principal_of_request(request), account=account)
        planned = sum(1 for row in rows if row.snipe is not None)
        answer = {"planned": planned, "refused": len(rows) - planned, "results": rows}
        return Response(BulkSerializer(answer).data)
