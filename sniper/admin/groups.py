"""Groups of snipes: all of them, and one with its standing and the ends that overlap."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import Principal
from accounts.models import Role
from accounts.scoped_admin import console_page, may_somewhere, visible_or_404
from sniper.forms import GroupForm, GroupRulesForm
from sniper.models import LIVE, GroupPolicy, Snipe, SnipeGroup
from sniper.refusals import SnipeRefused
from sniper.selectors import group_standing, overlapping, running_executors
from sniper.services.groups import create_group, delete_group, edit_group

from .new import say_refusal
from .words import lines

_GROUPS = 200
_MEMBERS = 200


@dataclass(frozen=True)
class GroupLine:
    """A group with what it has come to; `overlaps` is how many pairs of ends overlap."""

    group: SnipeGroup
    standing: dict[str, Decimal | int]
    overlaps: int


@never_cache
@require_http_methods(["GET", "POST"])
@console_page
def snipe_groups(request: HttpRequest, principal: Principal) -> HttpResponse:
    may_plan = may_somewhere(principal, Role.OPERATOR)
    if request.method == "POST" and not may_plan:
        raise PermissionDenied("making a group needs the role operator")
    form = GroupForm(request.POST or None, principal=principal)
    if request.method == "POST" and form.is_valid():
        asked = dict(form.cleaned_data)
        try:
            group = create_group(asked.pop("organization"), by=principal, **asked)
            return redirect("admin:snipe_group", group.pk)
        except SnipeRefused as refused:
            say_refusal(form, refused)
    groups = SnipeGroup.objects.visible_to(principal).select_related("organization")[:_GROUPS]
    found = [GroupLine(one, group_standing(one), len(overlapping(one))) for one in groups]
    context = {"title": "Groups of snipes", "groups": found, "form": form, "may_plan": may_plan}
    return render(request, "sniper/groups.html", {**admin.site.each_context(request), **context})


@never_cache
@require_http_methods(["GET", "POST"])
@console_page
def snipe_group(request: HttpRequest, principal: Principal, group_id: int) -> HttpResponse:
    group = visible_or_404(SnipeGroup, principal, group_id, related=("organization",))
    form = _rules_form(request, group)
    if request.method == "POST":
        principal.require(Role.OPERATOR, group.organization_id)
        if form.is_valid() and _changed(form, group, principal):
            messages.success(request, "Changed: the next bid of the group follows the new rules.")
            return redirect("admin:snipe_group", group.pk)
    context = {"title": f"Group {group.name}", "form": form, **_about(principal, group)}
    return render(request, "sniper/group.html", {**admin.site.each_context(request), **context})


def _rules_form(request: HttpRequest, group: SnipeGroup) -> GroupRulesForm:
    names = ("name", "win_at_most", "budget", "policy")
    return GroupRulesForm(request.POST or None, initial={name: getattr(group, name) for name in names})


def _changed(form: GroupRulesForm, group: SnipeGroup, principal: Principal) -> bool:
    asked = form.cleaned_data
    try:
        edit_group(group, by=principal, clear_budget=asked["budget"] is None, **asked)
    except SnipeRefused as refused:
        say_refusal(form, refused)
        return False
    return True


def _about(principal: Principal, group: SnipeGroup) -> dict[str, Any]:
    members = list(group.snipes.select_related("account", "group").order_by("fire_at", "id")[:_MEMBERS])
    by_id = {snipe.pk: snipe for snipe in members}
    pairs = [
        (by_id[first.snipe_id], by_id[second.snipe_id])
        for first, second in overlapping(group)
        if first.snipe_id in by_id and second.snipe_id in by_id
    ]
    return {
        "group": group,
        "standing": group_standing(group),
        "members": lines(members, running_executors()),
        "overlaps": pairs,
        "hurts": group.policy != GroupPolicy.ALLOW,
        "may_operate": principal.may(Role.OPERATOR, group.organization_id),
        "has_live": Snipe.objects.filter(group=group, status__in=LIVE).exists(),
    }


@never_cache
@require_POST
@console_page
def delete_snipe_group(request: HttpRequest, principal: Principal, group_id: int) -> HttpResponse:
    group = visible_or_404(SnipeGroup, principal, group_id)
    try:
        delete_group(group, by=principal)
    except SnipeRefused as refused:
        messages.error(request, f"Nothing was deleted: {refused.text}.")
        return redirect("admin:snipe_group", group_id)
    messages.success(request, "Deleted; its ended snipes stay.")
    return redirect("admin:snipe_groups")
