"""Refusals of the Post-Order APIs and of payment disputes (03 §4.3, §7).

Ids and texts of 1301 to 1402 are those of eBay's list. Which id refuses a date, a missing header or an odd
value is unverified: 1101 and 1102 come from the API before this one, 1105 is made up.
"""

from dataclasses import dataclass

from ebayconnector.simulator.ebay_errors import EbayError, rest_body
from ebayconnector.simulator.json_types import JsonObject
from ebayconnector.simulator.trouble_lives import Family
from ebayconnector.simulator.trouble_settings import ErrorShape

BAD_DATE, MISSING, BAD_VALUE = 1101, 1102, 1105
NOT_A_PARTY, NO_USER, BAD_ITEM, NO_RETURN, NOT_ALLOWED = 1301, 1302, 1303, 1304, 1308
TOO_MANY_ROWS, TOO_FEW_ROWS = 1401, 1402

_TEXTS = {
    BAD_DATE: "The date in request is invalid",
    MISSING: "Mandatory parameter missing in request.",
    BAD_VALUE: "The value of a request parameter is invalid.",
    NOT_A_PARTY: "The user requesting for the case is neither the buyer nor seller of the item.",
    NO_USER: "The user information is either missing or invalid.",
    BAD_ITEM: "Invalid item or transaction id. Ids of item or transaction should be positive number.",
    NO_RETURN: "Invalid return id. No records found with requested returnId.",
    NOT_ALLOWED: "The user is not allowed to perform this operation.",
    TOO_MANY_ROWS: "The maximum number of records supported per page is 200.",
    TOO_FEW_ROWS: "The minimum entries per page is 1.",
}
_DOMAINS: dict[Family, str] = {
    "case": "caseErrorDomain",
    "inquiry": "inquiryErrorDomain",
    "return": "returnErrorDomain",
}
_METHOD_SHAPES: dict[Family, ErrorShape] = {
    "case": "list",
    "inquiry": "message_object",
    "return": "message_list",
}


@dataclass(frozen=True, slots=True)
class Refusals:
    """Makes the errors of one Post-Order API in the shape that is set."""

    family: Family
    shape: ErrorShape

    def __call__(
        self, error_id: int, *, status: int = 400, name: str | None = None, value: str = ""
    ) -> EbayError:
        error: JsonObject = {
            "errorId": error_id,
            "domain": _DOMAINS[self.family],
            "severity": "ERROR",
            "category": "REQUEST",
            "message": _TEXTS[error_id],
            "longMessage": _TEXTS[error_id],
            "httpStatusCode": str(status),
        }
        if name is not None:
            error["parameter"] = [{"name": name, "value": value}]
        return EbayError(status, self._shaped(error))

    def _shaped(self, error: JsonObject) -> JsonObject:
        match _METHOD_SHAPES[self.family] if self.shape == "by_method" else self.shape:
            case "list":
                return {"error": [error]}
            case "message_object":
                return {"errorMessage": {"error": error}}
            case _:
                return {"errorMessage": {"error": [error]}}


def dispute_error(name: str, value: str) -> EbayError:
    """400/33001: a parameter that is wrong."""
    body = rest_body(33001, "Invalid input request", domain="API_FULFILLMENT", parameters={name: value})
    return EbayError(400, body)


def no_dispute() -> EbayError:
    """404 with the same id: no payment dispute of this seller."""
    return EbayError(404, rest_body(33001, "Invalid Payment Dispute Id", domain="API_FULFILLMENT"))
