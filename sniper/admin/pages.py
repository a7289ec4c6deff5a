"""The addresses of the sniper's pages that are no ModelAdmin's, under `/admin/`."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpResponseBase
from django.urls import URLPattern, path

from . import acts, board, bulk, edit, groups, limits, new, snipe_page, totals

Wrap = Callable[[Callable[..., HttpResponseBase]], Callable[..., HttpResponseBase]]


def pages(staff_only: Wrap) -> list[URLPattern]:
    # No item's address begins with another's: the side bar would light up both.
    snipe, group = "snipes/<int:snipe_id>/", "snipe-groups/<int:group_id>/"
    return [
        path("snipes/", staff_only(board.snipes), name="snipes"),
        path("snipes/board/", staff_only(board.snipes_board), name="snipes_board"),
        path("snipe-new/", staff_only(new.new_snipe), name="new_snipe"),
        path("snipe-bulk/", staff_only(bulk.bulk_snipes), name="bulk_snipes"),
        path("snipe-results/", staff_only(totals.snipe_totals), name="snipe_totals"),
        path("snipe-limits/", staff_only(limits.snipe_limits), name="snipe_limits"),
        path("snipe-groups/", staff_only(groups.snipe_groups), name="snipe_groups"),
        path(group, staff_only(groups.snipe_group), name="snipe_group"),
        path(f"{group}delete/", staff_only(groups.delete_snipe_group), name="delete_snipe_group"),
        path(snipe, staff_only(snipe_page.snipe_page), name="snipe"),
        path(f"{snipe}state/", staff_only(snipe_page.snipe_state), name="snipe_state"),
        path(f"{snipe}edit/", staff_only(edit.edit_snipe_page), name="edit_snipe"),
        path(f"{snipe}cancel/", staff_only(acts.cancel), name="cancel_snipe"),
        path("snipes/switch/", staff_only(acts.installation_switch), name="sniper_switch_all"),
        path("snipes/switch/<int:organization_id>/", staff_only(acts.switch), name="sniper_switch"),
    ]
