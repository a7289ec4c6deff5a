"""Identity API: getUser (03 §2)."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ebayconnector.simulator.callers import authorize_seller
from ebayconnector.simulator.json_types import JsonObject
from ebayconnector.simulator.responses import json_response
from ebayconnector.simulator.scopes import BASE
from ebayconnector.simulator.sellers import Seller

PATH = "/commerce/identity/v1/user"

_SCOPE = f"{BASE}/commerce.identity.readonly"


async def get_user(request: Request) -> Response:
    seller, token = authorize_seller(request, api="identity", any_of=frozenset({_SCOPE}))
    user: JsonObject = {
        "userId": seller.user_id,
        "username": seller.username,
        "accountType": seller.account_type,
        "registrationMarketplaceId": seller.site.marketplace,
        "status": seller.status,
    }
    granted = {
        block for block in ("name", "address", "email", "phone")
        if f"{BASE}/commerce.identity.{block}.readonly" in token.scopes
    }  # fmt: skip
    account = (
        _business(seller, granted) if seller.account_type == "BUSINESS" else _individual(seller, granted)
    )
    if account:
        user["businessAccount" if seller.account_type == "BUSINESS" else "individualAccount"] = account
    return json_response(user)


def _email(seller: Seller) -> str:
    return f"{seller.user_id.lower()}@example.com"


def _address(seller: Seller) -> JsonObject:
    city, state, postal_code = seller.site.places[0]
    return {
        "addressLine1": f"1 {seller.site.streets[0]}",
        "city": city,
        "stateOrProvince": state,
        "postalCode": postal_code,
        "country": seller.site.country,
    }


def _phone(seller: Seller) -> JsonObject:
    return {"countryCode": "1", "number": f"555{seller.number:07d}", "phoneType": "MOBILE"}


def _business(seller: Seller, granted: set[str]) -> JsonObject:
    account: JsonObject = {}
    if "name" in granted:
        account["name"] = f"{seller.last_name} & Co"
        account["primaryContact"] = {"firstName": seller.first_name, "lastName": seller.last_name}
    if "address" in granted:
        account["address"] = _address(seller)
    return account | _reach(seller, granted)


def _individual(seller: Seller, granted: set[str]) -> JsonObject:
    account: JsonObject = {}
    if "name" in granted:
        account |= {"firstName": seller.first_name, "lastName": seller.last_name}
    if "address" in granted:
        account["registrationAddress"] = _address(seller)
    return account | _reach(seller, granted)


def _reach(seller: Seller, granted: set[str]) -> JsonObject:
    reach: JsonObject = {"email": _email(seller)} if "email" in granted else {}
    if "phone" in granted:
        reach["primaryPhone"] = _phone(seller)
    return reach


routes = [Route(PATH, get_user, methods=["GET"]), Route(f"{PATH}/", get_user, methods=["GET"])]
