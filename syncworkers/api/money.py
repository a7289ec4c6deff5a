"""`/api/data/orders/{id}/money` and `/api/data/finances/{id}/money`: does it add up?"""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.lists import refuse_unknown
from accounts.api.scoping import visible_or_404
from syncworkers.models import Order, Payout
from syncworkers.money import Finding, Line, PaidOut, Statement, order_money, payout_money


def _amount(**options: Any) -> serializers.DecimalField:
    return serializers.DecimalField(max_digits=20, decimal_places=4, **options)


class LineSerializer(serializers.Serializer[Line]):
    """An amount as seen from the seller's money: below zero it went away."""

    kind = serializers.CharField()
    words = serializers.CharField()
    amount = _amount(allow_null=True)
    currency = serializers.CharField()
    is_sum = serializers.BooleanField()


class FindingSerializer(serializers.Serializer[Finding]):
    verdict = serializers.CharField(source="verdict.value")
    text = serializers.CharField()


class PaidOutSerializer(serializers.Serializer[PaidOut]):
    """`status` is empty while the payout itself is not stored."""

    payout_id = serializers.CharField()
    status = serializers.CharField()
    paid_at = serializers.DateTimeField(allow_null=True)
    amount = _amount()
    currency = serializers.CharField()


class StatementSerializer(serializers.Serializer[Statement]):
    """`verdict` is the worst of the findings: reconciles (there are none), waiting (the rest is still to
    come), unknown (it cannot be told) or differs. `payouts` says where an order's money went.
    """

    verdict = serializers.CharField(source="verdict.value")
    findings = FindingSerializer(many=True)
    lines = LineSerializer(many=True)
    payouts = PaidOutSerializer(many=True)


class OrderMoney(APIView):
    """The money of one order."""

    @extend_schema(responses=StatementSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """What the order brought, eBay's fees, refunds, what was paid out, and whether it adds up."""
        refuse_unknown(request, {"format"})
        order = visible_or_404(Order.objects.select_related("account"), request, pk)
        return Response(StatementSerializer(order_money(order.account, order.order_id)).data)


class PayoutMoney(APIView):
    """The money of one payout."""

    @extend_schema(responses=StatementSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """The payout's transactions and fees by type, and whether they sum up to it."""
        refuse_unknown(request, {"format"})
        payout = visible_or_404(Payout.objects.all(), request, pk)
        return Response(StatementSerializer(payout_money(payout)).data)
