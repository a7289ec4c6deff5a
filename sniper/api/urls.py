"""Routes of the sniper."""

from __future__ import annotations

from accounts.api.routing import Route

from .groups import GroupDetail, GroupList
from .overall import Limits, Status, Switch, Totals
from .snipes import ItemPreview, SnipeBulk, SnipeDetail, SnipeList, SnipeLogs

_SNIPES = "sniper/snipes"

routes = [
    Route(_SNIPES, SnipeList, "api-snipes"),
    Route(f"{_SNIPES}/bulk", SnipeBulk, "api-snipes-bulk"),
    Route(f"{_SNIPES}/<int:snipe_id>", SnipeDetail, "api-snipe"),
    Route(f"{_SNIPES}/<int:snipe_id>/logs", SnipeLogs, "api-snipe-logs"),
    Route("sniper/preview", ItemPreview, "api-snipe-preview"),
    Route("sniper/groups", GroupList, "api-snipe-groups"),
    Route("sniper/groups/<int:group_id>", GroupDetail, "api-snipe-group"),
    Route("sniper/totals", Totals, "api-snipe-totals"),
    Route("sniper/status", Status, "api-sniper-status"),
    Route("sniper/switch", Switch, "api-sniper-switch"),
    Route("sniper/limits", Limits, "api-sniper-limits"),
]
