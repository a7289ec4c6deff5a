"""What the API says about groups."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from sniper.models import SnipeGroup
from sniper.selectors import group_standing, overlapping


class OverlapSerializer(serializers.Serializer[Any]):
    """`second_id` must bid before `first_id` is decided."""

    first_id = serializers.IntegerField()
    second_id = serializers.IntegerField()


class GroupSerializer(serializers.ModelSerializer[SnipeGroup]):
    """`policy`: what to do at the moment of a bid while an undecided earlier auction could fill the group."""

    organization = serializers.IntegerField(source="organization_id")
    policy = serializers.CharField()

    class Meta:
        model = SnipeGroup
        fields = (
            "id", "organization", "name", "win_at_most", "budget", "currency", "policy", "created_at",
        )  # fmt: skip


class StandingSerializer(serializers.Serializer[Any]):
    """`spent`: the prices of those won; `bound`: the maxima of those bid on and undecided."""

    won = serializers.IntegerField()
    undecided = serializers.IntegerField()
    spent = serializers.DecimalField(max_digits=16, decimal_places=2)
    bound = serializers.DecimalField(max_digits=16, decimal_places=2)


class GroupDetailSerializer(GroupSerializer):
    standing = serializers.SerializerMethodField()
    overlaps = serializers.SerializerMethodField()

    class Meta(GroupSerializer.Meta):
        fields = (*GroupSerializer.Meta.fields, "standing", "overlaps")  # type: ignore[assignment]

    @extend_schema_field(StandingSerializer)
    def get_standing(self, group: SnipeGroup) -> dict[str, Any]:
        return dict(StandingSerializer(group_standing(group)).data)

    @extend_schema_field(OverlapSerializer(many=True))
    def get_overlaps(self, group: SnipeGroup) -> list[dict[str, int]]:
        return [
            {"first_id": first.snipe_id, "second_id": second.snipe_id} for first, second in overlapping(group)
        ]
