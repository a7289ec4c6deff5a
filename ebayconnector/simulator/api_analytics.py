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
}


async def get_rate_limits(request: Request) -> Response:
    application = authorize_application(request, api="analytics", any_of=frozenset({BASE}))
    params, quotas = request.query_params, world_of(request).quotas
    found = [
        _rate_limit(quotas, application.client_id, quota, names)
        for quota, names in _APIS.items()
        if params.get("api_context", names[0]).lower() == names[0]
        and params.get("api_name", names[1]).lower() == names[1]
    ]
    return json_response({"rateLimits": found}) if found else Response(status_code=204)


def _rate_limit(quotas: Quotas, client_id: str, quota: str, names: tuple[str, str, str, str]) -> JsonObject:
    context, name, version, resource_name = names
    resource: JsonObject = {"name": resource_name}
    used, limit = quotas.used(client_id, quota), quotas.limits[quota]
    if used:  # a resource that was never used has no rates
        rate = {"limit": limit, "count": used, "remaining": max(0, limit - used)}
        resource["rates"] = [rate | {"reset": quotas.reset_at(), "timeWindow": 86_400}]
    return {"apiContext": context, "apiName": name, "apiVersion": version, "resources": [resource]}


routes = [
    Route(PATH, get_rate_limits, methods=["GET"]),
    Route(f"{PATH}/", get_rate_limits, methods=["GET"]),
]
