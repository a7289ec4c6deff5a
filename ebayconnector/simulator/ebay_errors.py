"""The error shapes of eBay's REST and OAuth APIs (03 §0b, §1.2)."""

from ebayconnector.simulator.json_types import JsonObject


class EbayError(Exception):
    """An answer of eBay that is an error; the application turns it into a response. `body` None is none."""

    def __init__(self, status: int, body: JsonObject | None, headers: dict[str, str] | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.body = body
        self.headers = headers or {}


def rest_body(
    error_id: int,
    message: str,
    *,
    domain: str = "ACCESS",
    category: str = "REQUEST",
    long_message: str | None = None,
    parameters: dict[str, str] | None = None,
) -> JsonObject:
    error: JsonObject = {"errorId": error_id, "domain": domain, "category": category, "message": message}
    error["longMessage"] = long_message or message
    if parameters:
        error["parameters"] = [{"name": name, "value": value} for name, value in parameters.items()]
    return {"errors": [error]}


TOKEN_MISSING = rest_body(
    1002,
    "Missing access token",
    domain="OAuth",
    long_message="Access token is missing in the Authorization HTTP request header.",
)
TOKEN_TYPE = rest_body(1003, "Token type in the Authorization header is invalid", domain="OAuth")
TOKEN_INVALID = rest_body(
    1001,
    "Invalid access token",
    domain="OAuth",
    long_message="Invalid access token. Check the value of the Authorization HTTP request header.",
)
NO_PERMISSION = rest_body(
    1100,
    "Access denied",
    long_message="Insufficient permissions to fulfill the request.",
)
TOO_MANY_REQUESTS = rest_body(
    2001,
    "Too many requests.",
    long_message="The request limit has been reached for the resource.",
)
NOT_FOUND = rest_body(2002, "Resource not resolved", long_message="Resource path not found.")


POST_ORDER_SYSTEM_ERROR: JsonObject = {
    "errorMessage": {
        "error": [
            {
                "errorId": 1001,
                "domain": "postOrderErrorDomain",
                "severity": "ERROR",
                "category": "SYSTEM",
                "message": "Application encountered an internal error.",
                "longMessage": "Application encountered an internal error.",
                "httpStatusCode": "500",
            }
        ]
    }
}


def system_error(path: str) -> JsonObject:
    """The body of a 500: the API's own number where 03 gives one."""
    if path.startswith("/post-order/"):
        return POST_ORDER_SYSTEM_ERROR
    if path.startswith("/sell/fulfillment/v1/payment_dispute"):
        return rest_body(33000, "System error", domain="API_FULFILLMENT", category="APPLICATION")
    if path.startswith("/sell/fulfillment/"):
        return rest_body(30500, "System error", domain="API_FULFILLMENT", category="APPLICATION")
    if path.startswith("/sell/inventory/"):
        text = "A system error has occurred."
        return rest_body(25001, text, domain="API_INVENTORY", category="APPLICATION")
    if path.startswith("/sell/finances/"):
        return rest_body(135000, "System error", domain="API_FINANCES", category="APPLICATION")
    if path.startswith("/buy/browse/"):
        return rest_body(11000, "There was a problem with an eBay internal system.", domain="API_BROWSE")
    if path.startswith("/buy/offer/"):
        text = "There was a problem with an eBay internal system or process."
        return rest_body(120000, text, domain="API_OFFER", category="APPLICATION")
    if path.startswith("/developer/key_management/"):
        return rest_body(210000, "System error", domain="API_KEYS", category="APPLICATION")
    if path.startswith("/commerce/notification/"):
        return rest_body(195000, "System error", domain="API_NOTIFICATION", category="APPLICATION")
    if path.startswith("/commerce/identity/"):
        return rest_body(140000, "System error", domain="API_IDENTITY", category="APPLICATION")
    if path.startswith("/identity/v1/oauth2/"):
        return {
            "error": "server_error",
            "error_description": "The authorization server had an internal error",
        }
    return rest_body(2003, "Internal error", category="APPLICATION")


def oauth_error(error: str, description: str, status: int = 400) -> EbayError:
    """An error of the token endpoint (03 §1.2)."""
    return EbayError(status, {"error": error, "error_description": description})


_FULFILLMENT: dict[int, tuple[str, tuple[str, ...]]] = {
    30700: ("Invalid filter name: {0}", ("fieldname",)),
    30800: ("Invalid filter value {0} for filter {1}", ("fieldvalue", "fieldname")),
    30810: ("Invalid date format", ()),
    30820: ("Start date is missing", ()),
    30830: ("Time range between start date and end date must be within '2' years.", ()),
    30840: ("Start date should be before end date", ()),
    30850: ("Start and end dates can't be in the future", ()),
    30900: ("Exceeded maximum number of order IDs (the current limit is 50)", ()),
    31000: ("Invalid offset: {0}", ("offsetvalue",)),
    31100: ("Invalid limit: {0}", ("limitvalue",)),
    32100: ("Invalid order ID: {0}", ("orderId",)),
    32800: ("Invalid field group: {0}", ("fieldGroup",)),
}


def fulfillment_error(error_id: int, *values: str, status: int = 400) -> EbayError:
    """An error of the Fulfillment API with the contract's text; `values` fill its places."""
    text, names = _FULFILLMENT[error_id]
    parameters = dict(zip(names, values, strict=True))
    body = rest_body(error_id, text.format(*values), domain="API_FULFILLMENT", parameters=parameters)
    return EbayError(status, body)
