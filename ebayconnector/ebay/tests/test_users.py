"""Identity and Trading: who is it, and what Trading says when it does not tell."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from lxml import etree

from ebayconnector.ebay import errors, identity, trading

from .conftest import ACCESS_TOKEN
from .loopback import answer, json_answer

NAMESPACE = "urn:ebay:apis:eBLBaseComponents"
USER = """<User><UserID>seller_1</UserID><EIASToken>nY+sHZ2PrBmdj6wVnY+sEZ2PrA2dj6wFk4G</EIASToken>
<Email>{email}</Email><Site>Germany</Site><Status>Confirmed</Status></User>"""


def xml(inner: str, *, ack: str = "Success", name: str = "GetUser", namespace: str = NAMESPACE):
    head = f'<?xml version="1.0" encoding="UTF-8"?><{name}Response xmlns="{namespace}">'
    times = f"<Timestamp>2026-11-21T20:00:00.250Z</Timestamp><Ack>{ack}</Ack>" if ack else ""
    return answer(200, f"{head}{times}{inner}</{name}Response>".encode(), "text/xml;charset=utf-8")


def failure(code: str, severity: str = "Error", classification: str = "RequestError"):
    return xml(fault(code, severity, classification), ack="Failure")


def fault(code: str, severity: str = "Error", classification: str = "RequestError") -> str:
    return (
        f"<Errors><ShortMessage>Kaputt</ShortMessage><ErrorCode>{code}</ErrorCode><SeverityCode>{severity}"
        f"</SeverityCode><ErrorClassification>{classification}</ErrorClassification></Errors>"
    )


def test_identity_says_who_the_owner_is(connect):
    connected = connect(
        json_answer(
            {
                "userId": "ma8vp1jySJC",
                "username": "seller_1",
                "accountType": "BUSINESS",
                "registrationMarketplaceId": "EBAY_DE",
                "status": "CONFIRMED",
                "businessAccount": {"name": "x"},
            }
        )
    )
    assert identity.get_user(connected.client) == identity.EbayUser(
        "ma8vp1jySJC", "seller_1", "BUSINESS", "EBAY_DE", "CONFIRMED"
    )
    assert connected.server.requests[0].target == "/commerce/identity/v1/user/"


@pytest.mark.parametrize("user_id", [None, "", 7])
def test_an_identity_without_an_id_is_a_bad_answer(connect, user_id):
    with pytest.raises(errors.BadAnswer, match="userId"):
        identity.get_user(connect(json_answer({"userId": user_id, "username": "x"})).client)


def test_trading_says_who_the_owner_is(connect):
    connected = connect(xml(USER.format(email="a@example.com")))
    user = trading.get_user(connected.client, 77)
    assert (user.user_id, user.site, user.status, user.email) == (
        "seller_1",
        "Germany",
        "Confirmed",
        "a@example.com",
    )
    assert user.eias_token.startswith("nY+sHZ2")
    assert "example.com" not in repr(user)
    (request,) = connected.server.requests
    assert (request.method, request.target) == ("POST", "/ws/api.dll")
    assert request.headers["content-type"] == "text/xml"
    assert request.headers["x-ebay-api-call-name"] == "GetUser"
    assert request.headers["x-ebay-api-siteid"] == "77"
    assert request.headers["x-ebay-api-compatibility-level"] == "1423"
    assert request.headers["x-ebay-api-iaf-token"] == ACCESS_TOKEN
    assert "authorization" not in request.headers
    root = etree.fromstring(request.body)
    assert root.tag == f"{{{NAMESPACE}}}GetUserRequest"
    assert root.findtext(f"{{{NAMESPACE}}}ErrorLanguage") == "en_US"
    assert b"RequesterCredentials" not in request.body


def test_a_withheld_email_is_none(connect):
    assert trading.get_user(connect(xml(USER.format(email="Invalid Request"))).client, 0).email is None


def test_a_user_without_a_key_is_a_bad_answer(connect):
    with pytest.raises(errors.BadAnswer, match="EIASToken"):
        trading.get_user(connect(xml("<User><UserID>x</UserID></User>")).client, 0)


@pytest.mark.parametrize("code", ["21917053", "932", "931", "16110", "17470", "21916984", "21917055"])
def test_a_token_that_trading_refuses_is_renewed_once(connect, code):
    connected = connect(failure(code), xml(USER.format(email="")))
    assert trading.get_user(connected.client, 0).user_id == "seller_1"
    assert connected.server.requests[1].headers["x-ebay-api-iaf-token"] == "renewed-1"

    refused = connect(failure(code), failure(code))
    with pytest.raises(errors.TokenRejected, match=f"GetUser: eBay answered Failure: {code} Kaputt"):
        trading.get_user(refused.client, 0)
    assert len(refused.server.requests) == 2


@pytest.mark.parametrize(
    ("code", "classification", "expected", "sent"),
    [
        ("518", "RequestError", errors.RateLimited, 1),
        ("21919144", "RequestError", errors.AccountLimited, 1),
        ("2", "RequestError", errors.Refused, 1),
        ("10007", "SystemError", errors.Unavailable, 3),
        ("777", "SystemError", errors.Unavailable, 3),
    ],
)
def test_a_failure_has_the_class_of_its_code(connect, code, classification, expected, sent):
    connected = connect(*[failure(code, classification=classification)] * 3)
    with pytest.raises(expected) as caught:
        trading.get_user(connected.client, 0)
    assert type(caught.value) is expected
    assert len(connected.server.requests) == sent


def test_a_trading_write_is_sent_once(connect):
    connected = connect(failure("10007"), failure("21917053"))
    with pytest.raises(errors.Unavailable):
        trading.call(connected.client, "ReviseItem", site_id=0, body_elements=b"<Item/>")
    assert len(connected.server.requests) == 1
    assert connected.server.requests[0].body.endswith(b"<Item/></ReviseItemRequest>")


@pytest.mark.parametrize("ack", ["Warning", "PartialFailure"])
def test_data_beside_errors_is_used_and_the_errors_are_there(connect, ack):
    inner = USER.format(email="") + fault("21917092", "Warning")
    root = trading.call(connect(xml(inner, ack=ack)).client, "GetUser", site_id=0)
    assert root.findtext("User/UserID") == "seller_1"
    (warning,) = trading.warnings_of(root)
    assert (warning.error_id, warning.severity) == ("21917092", "Warning")
    assert trading.timestamp_of(root) == datetime(2026, 11, 21, 20, 0, 0, 250_000, tzinfo=UTC)


def test_a_document_without_namespace_is_read_too(connect):
    root = trading.call(connect(xml("<A>1</A>", namespace="")).client, "GetUser", site_id=0)
    assert root.findtext("A") == "1"


def test_a_missing_timestamp_is_none():
    assert trading.timestamp_of(etree.fromstring("<a><Timestamp>soon</Timestamp></a>")) is None


ENTITY = '<!DOCTYPE a [<!ENTITY x "y">]><GetUserResponse><Ack>Success</Ack><A>&x;</A></GetUserResponse>'


@pytest.mark.parametrize(
    "fault",
    [
        xml("", ack=""),
        xml("", ack="Perhaps"),
        xml("", name="GetItem"),
        answer(200, ENTITY.encode(), "text/xml"),
        answer(200, b"<GetUserResponse><Ack>Success</Ack>", "text/xml"),
        answer(200, b"<html/>", "text/html"),
        answer(200, b"", "text/xml"),
    ],
    ids=["no ack", "odd ack", "another call", "doctype", "broken", "html", "empty"],
)
def test_what_is_no_trading_answer_is_a_bad_answer(connect, fault):
    connected = connect(fault, fault, fault)
    with pytest.raises(errors.BadAnswer):
        trading.get_user(connected.client, 0)
    assert len(connected.server.requests) == 3
