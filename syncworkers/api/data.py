"""`/api/data/{table}/`: rows of eBay data with their children, for every table, and the money view."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.generics import GenericAPIView, RetrieveAPIView
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from accounts.access import principal_of_request
from accounts.api.lists import Pages, StrictList

from .changes import changed_since, next_since, since_named
from .csv_rows import csv_lines
from .row_filters import row_filters
from .row_serializers import column_names, csv_columns, row_serializer
from .row_sources import SOURCES, RowSource


class CsvRenderer(BaseRenderer):
    """Makes `format=csv` and `Accept: text/csv` known; the view streams the lines itself."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(self, data: Any, *args: Any, **kwargs: Any) -> bytes:
        # Only errors come here, and they leave as JSON: see finalize_response.
        return JSONRenderer().render(data)


class RowPages(Pages):
    """With `next_since` in answers to `updated_since`."""

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        page: dict[str, Any] = super().get_paginated_response_schema(schema)
        page["properties"]["next_since"] = {
            "type": "string",
            "description": "Only in answers to updated_since: where to go on, also when nothing came",
        }
        return page


class _Rows(GenericAPIView[Any]):
    """What both views know of their source; `key` comes from the route."""

    key = ""

    @property
    def source(self) -> RowSource:
        return SOURCES[self.key]

    def get_serializer_class(self) -> type[BaseSerializer[Any]]:
        return row_serializer(self.key)

    def get_queryset(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.source.model.objects.visible_to(principal_of_request(self.request))
        return rows.only(*column_names(self.source.model)).prefetch_related(*self.source.children)


class RowList(_Rows, StrictList[Any]):
    """Rows with their children, the latest first.

    `updated_since` (a time, or the `next_since` of the last answer) gives what changed since, each
    version once, ordered by change; rows younger than a minute come later. `format=csv` streams all
    matching rows without payload and children.
    """

    renderer_classes = [JSONRenderer, CsvRenderer]
    pagination_class = RowPages
    extra_parameters = frozenset({"updated_since"})

    @property
    def ordering(self) -> list[str]:  # type: ignore[override]
        return self.source.ordering

    @property
    def filterset_class(self) -> Any:  # type: ignore[override]
        return row_filters(self.key)

    @property
    def ordering_fields(self) -> list[str]:  # type: ignore[override]
        return [name for name in column_names(self.source.model) if name != "payload"]

    @extend_schema(
        parameters=[OpenApiParameter("updated_since", str, description="A time, or the last `next_since`")]
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        as_csv = getattr(request.accepted_renderer, "format", "") == "csv"
        since = request.query_params.get("updated_since")
        if since and as_csv:
            raise ValidationError({"format": ["updated_since answers JSON only: it carries next_since"]})
        if as_csv:
            return self._streamed()
        return self._changes(since) if since else self.list(request)

    def _changes(self, text: str) -> Response:
        for name in ("ordering", "offset"):
            if self.request.query_params.get(name):
                raise ValidationError({name: ["updated_since has its own order: go on with next_since"]})
        since = since_named(text)
        rows = changed_since(self.filter_queryset(self.get_queryset()), since)
        assert self.paginator is not None
        page = self.paginator.paginate_queryset(rows, self.request, self) or []
        answer = self.get_paginated_response(self.get_serializer(page, many=True).data)
        going_on = str(next_since(page, since))
        if answer.data["next"]:
            query = self.request.query_params.copy()
            query["updated_since"] = going_on
            address = self.request.build_absolute_uri(self.request.path)
            answer.data["next"] = f"{address}?{query.urlencode()}"
        answer.data["next_since"] = going_on
        return answer

    def _streamed(self) -> StreamingHttpResponse:
        for name in ("limit", "offset"):
            if self.request.query_params.get(name):
                raise ValidationError({name: ["format=csv streams all matching rows: leave it out"]})
        rows = self.filter_queryset(self.get_queryset()).prefetch_related(None)
        lines = csv_lines(csv_columns(self.source), rows)
        response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{self.key}.csv"'
        response["X-Content-Type-Options"] = "nosniff"
        return response

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        known = [renderer.format for renderer in self.get_renderers()]
        wanted = request.query_params.get("format", "json")
        if wanted not in known and not force:
            raise ValidationError({"format": [f"there is no format {wanted!r}; one of {', '.join(known)}"]})
        return super().perform_content_negotiation(request, force)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(response, Response) and response.exception:
            request.accepted_renderer = JSONRenderer()
            request.accepted_media_type = JSONRenderer.media_type
        return super().finalize_response(request, response, *args, **kwargs)


class RowDetail(_Rows, RetrieveAPIView[Any]):
    """One row with its children."""
