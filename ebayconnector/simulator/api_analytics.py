"""Developer Analytics: getRateLimits (03 §11)."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ebayconnector.simulator.callers import authorize_application, world_of
from ebayconnector.simulator.json_types import JsonObject
from ebayconnector.simulator.quotas import Quotas
from ebayconnector.simulator.responses import json_response
from ebayconnector.simulator.scopes import BASE

PATH = "/developer/analytics/v1_beta/rate_limit"

# quota name -> apiContext, apiName, apiVersion, resource; how Trading is spelled is unverified
_APIS = {
    "fulfillment": ("sell", "fulfillment", "v1", "sell.fulfillment.order"),
    "identity": ("commerce", "identity", "v1", "commerce.identity"),
    "inventory": ("sell", "inventory", "v1", "sell.inventory"),
    "analytics": ("developer", "analytics", "v1_beta", "developer.analytics"),
    "finances": ("sell", "finances", "v1", "sell.finances"),
    "key_management": ("developer", "key_management", "v1", "developer.key_management"),
    "trading": ("tradingapi", "tradingapi", "v1", "tradingapi"),
    "payment_dispute": ("sell", "fulfillment", "v1", "sell.fulfillment.payment_dispute"),
    "browse": ("buy", "browse", "v1", "buy.browse"),
    "buy_offer": ("buy", "offer", "v1_beta", "buy.offer"),
    "postorder.case": ("post-order", "post-order", "v2", "post-order.casemanagement"),  # unverified
    "postorder.inquiry": ("post-order", "post-order", "v2", "post-order.inquiry"),
    "postorder.return": ("post-order", "post-order", "v2", "post-order.return"),
    "postorder.cancellation": ("post-order", "post-order", "v2", "post-order.cancellation"),
}


async def get_rate_limits(request: Request) -> Response:
    application = authorize_application(request, api="analytics", any_of=frozenset({BASE}))
    params, quotas = request.query_params, world_of(request).quotas
    found: dict[tuple[str, str, str], JsonObject] = {}
    for quota, (context, name, version, resource) in _APIS.items():
        if params.get("api_context", context).lower() != context:
            continue
        if params.get("api_name", name).lower() != name:
            continue
        api = {"apiContext": context, "apiName": name, "apiVersion": version, "resources": []}
        limits = found.setdefault((context, name, version), api)
        limits["resources"].append(_resource(quotas, application.client_id, quota, resource))
    return json_response({"rateLimits": list(found.values())}) if found else Response(status_code=204)


def _resource(quotas: Quotas, client_id: str, quota: str, name: str) -> JsonObject:
    resource: JsonObject = {"name": name}
    used, limit = quotas.used(client_id, quota), quotas.limits[quota]
    if used:  # a resource that was never used has no rates
        rate = {"limit": limit, "count": used, "remaining": max(0, limit - used)}
        resource["rates"] = [rate | {"reset": quotas.reset_at(), "timeWindow": 86_400}]
    return resource


routes = [
    Route(PATH, get_rate_limits, methods=["GET"]),
    Route(f"{PATH}/", get_rate_limits, methods=["GET"]),
]
