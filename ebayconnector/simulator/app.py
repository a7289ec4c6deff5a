"""The application: eBay's APIs and the control API on one port."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from ebayconnector.simulator import (
    api_analytics,
    api_browse,
    api_consent,
    api_disputes,
    api_finances,
    api_fulfillment,
    api_identity,
    api_inventory,
    api_key_management,
    api_notification,
    api_offer,
    api_post_order,
    api_token,
    api_trading,
    control,
)
from ebayconnector.simulator.config import SimulatorConfig
from ebayconnector.simulator.control.body import BadControlCall
from ebayconnector.simulator.ebay_errors import NOT_FOUND, EbayError, rest_body
from ebayconnector.simulator.exchange import ExchangeMiddleware
from ebayconnector.simulator.responses import json_response
from ebayconnector.simulator.world import World

_APIS = (
    api_offer,  # first, because its calls are in a hurry
    api_consent,
    api_token,
    api_identity,
    api_trading,
    api_fulfillment,
    api_disputes,
    api_post_order,
    api_finances,
    api_inventory,
    api_key_management,
    api_notification,
    api_analytics,
    api_browse,
    control,
)


async def _ebay_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, EbayError)
    if error.body is None:
        return Response(status_code=error.status, headers=error.headers)
    return json_response(error.body, error.status, error.headers)


async def _bad_control_call(request: Request, error: Exception) -> Response:
    return json_response({"error": str(error)}, 400)


async def _routing_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if request.url.path.startswith("/_sim"):
        return json_response({"error": f"{error.detail}; GET /_sim/ lists the calls"}, error.status_code)
    if error.status_code == 404:
        return json_response(NOT_FOUND, 404)
    return json_response(rest_body(2004, error.detail), error.status_code, error.headers)


def create_app(config: SimulatorConfig | None = None) -> Starlette:
    """A simulator as an ASGI application; its world is `app.state.world`.

    The faults `cut` and `reset` need the server of `ebayconnector.simulator.server`.
    """
    world = World(config or SimulatorConfig())
    app = Starlette(
        routes=[route for api in _APIS for route in api.routes],
        middleware=[Middleware(ExchangeMiddleware, world=world)],
        exception_handlers={
            EbayError: _ebay_error,
            BadControlCall: _bad_control_call,
            HTTPException: _routing_error,
        },
    )
    app.router.redirect_slashes = False
    app.state.world = world
    return app
