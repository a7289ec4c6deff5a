from __future__ import annotations

import json
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebayconnector.ebay import errors
from ebayconnector.ebay.classify import RULES, error_class, retry_after_s
from ebayconnector.ebay.errors import RemoteError, parse_errors

REST = b"""{"errors":[{"errorId":1001,"domain":"OAuth","category":"REQUEST","message":"Invalid access token",
 "longMessage":"Invalid access token. Check the header.",
 "parameters":[{"name":"fieldname","value":"x"}]}]}"""
TRADING = """<?xml version="1.0"?>
 <GetUserResponse xmlns="urn:ebay:apis:eBLBaseComponents"><Ack>Failure</Ack>
 <Errors><ShortMessage>Jeton expiré.</ShortMessage><LongMessage>Lang</LongMessage>
 <ErrorCode>21917053</ErrorCode>
 <SeverityCode>Error</SeverityCode><ErrorParameters ParamID="0"><Value>v</Value></ErrorParameters>
 <ErrorClassification>RequestError</ErrorClassification></Errors>{more}</GetUserResponse>"""
WARNING = "<Errors><ErrorCode>5</ErrorCode><SeverityCode>Warning</SeverityCode></Errors>"


def ids(content_type: str, body: bytes) -> list[str]:
    return [error.error_id for error in parse_errors(content_type, body)]


def test_rest_errors_keep_ebays_words():
    assert parse_errors("application/json", REST) == (
        RemoteError(
            "1001",
            "OAuth",
            "REQUEST",
            "Invalid access token",
            "Invalid access token. Check the header.",
            (("fieldname", "x"),),
        ),
    )


def test_trading_errors_keep_ebays_words():
    (error,) = parse_errors("text/xml", TRADING.replace("{more}", "").encode())
    assert (error.error_id, error.message, error.category) == ("21917053", "Jeton expiré.", "RequestError")
    assert (error.parameters, error.severity) == ((("0", "v"),), "Error")
    several = parse_errors("text/xml", TRADING.replace("{more}", WARNING).encode())
    assert [error.severity for error in several] == ["Error", "Warning"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"error":"invalid_grant","error_description":"gone"}', ["invalid_grant"]),
        (b'{"error":[{"errorId":1616},{"errorId":"1617"}]}', ["1616", "1617"]),
        (b'{"errorMessage":{"error":{"errorId":1}}}', ["1"]),
        (b'{"errorMessage":{"error":[{"errorId":1},{"errorId":2}]}}', ["1", "2"]),
        (b'{"errors":{"errorId":3}}', ["3"]),
        (b'[{"errorId":4}]', ["4"]),
        (
            b'{"error_id":"invalid_request","error_description":"x","http_status_code":400}',
            ["invalid_request"],
        ),
        (b'\xef\xbb\xbf{"errors":[{"errorId":5}]}', ["5"]),
        (b'{"errors":[null, 7, {"errorId":6}]}', ["6"]),
        (b"", []),
        (b"  \n", []),
    ],
)
def test_every_shape_is_understood(body, expected):
    assert ids("application/json", body) == expected


@pytest.mark.parametrize(
    ("content_type", "body", "words"),
    [
        ("text/plain", b"upstream connect error", "upstream connect error"),
        (
            "text/html",
            b"<html><style>p{}</style><h1>503</h1><p>Service\n Unavailable",
            "503 Service Unavailable",
        ),
        ("application/json", b'{"errors": [{"errorId"', '{"errors": [{"errorId"'),
        ("application/json", b"[" * 200_000, "["),
    ],
)
def test_other_bodies_give_their_first_words(content_type, body, words):
    (error,) = parse_errors(content_type, body)
    assert error.error_id == ""
    assert error.message.startswith(words)
    assert len(error.message) <= 300


def test_entities_are_not_expanded():
    body = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a><Errors><ErrorCode>&x;</ErrorCode></Errors></a>'
    (error,) = parse_errors("text/xml", body)
    assert error.error_id == ""


@pytest.mark.parametrize(
    "body",
    [
        b'{"errors":[{"errorId":1,"message":"bad token v^1.1#i^1#CANARYCANARY#x"}]}',
        b'{"errors":[{"errorId":1,"parameters":[{"name":"refresh_token","value":"abcdCANARYCANARYabcd"}]}]}',
        b'{"error":"x","error_description":"Bearer CANARYCANARYCANARY is bad"}',
        b"<a><Errors><LongMessage>v^1.1#i^1#CANARYCANARY#x</LongMessage></Errors></a>",
        b"<html><p>token: abcdCANARYCANARYabcd</p>",
        b"access_token=abcdCANARYCANARYabcd",
    ],
)
def test_tokens_in_ebays_words_are_masked(body):
    found = parse_errors(None, body)
    assert found
    assert "CANARY" not in f"{found!r} {errors.Refused('no', errors=found)}"


@settings(max_examples=400)
@given(
    st.binary(max_size=200)
    | st.sampled_from([b"{", b"<", b"["]).flatmap(lambda p: st.binary(max_size=99).map(lambda b: p + b))
)
def test_parse_errors_never_raises(body):
    assert all(isinstance(error, RemoteError) for error in parse_errors("application/json", body))


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["errors", "error", "errorMessage", "errorId", "parameters", "message"]), inner
        )
    ),
    max_leaves=20,
)


@settings(max_examples=100)
@given(JSON)
def test_parse_errors_takes_any_json(document):
    for error in parse_errors("application/json", json.dumps(document).encode()):
        assert isinstance(f"{error}{error!r}", str)


def remote(error_id: str, severity: str = "Error", category: str = "") -> RemoteError:
    return RemoteError(error_id, severity=severity, category=category)


@pytest.mark.parametrize(
    ("kind", "status", "error_id", "expected"),
    [
        ("rest", 401, "1001", errors.TokenRejected),
        ("rest", 401, "", errors.TokenRejected),
        ("rest", 403, "1100", errors.ScopeMissing),
        ("rest", 403, "2003", errors.Refused),
        ("rest", 404, "", errors.NotFound),
        ("rest", 408, "", errors.Unavailable),
        ("rest", 429, "2001", errors.RateLimited),
        ("rest", 400, "30850", errors.Refused),
        ("rest", 409, "", errors.Refused),
        ("rest", 500, "30500", errors.Unavailable),
        ("rest", 503, "", errors.Unavailable),
        ("rest", 302, "", errors.BadAnswer),
        ("rest", 400, "invalid_grant", errors.Refused),
        ("oauth", 400, "invalid_grant", errors.ConsentInvalid),
        ("oauth", 401, "invalid_grant", errors.ConsentInvalid),
        ("oauth", 500, "invalid_grant", errors.Unavailable),
        ("oauth", 400, "invalid_scope", errors.ScopeRefused),
        ("oauth", 401, "invalid_client", errors.ApplicationRejected),
        ("oauth", 401, "", errors.ApplicationRejected),
        ("oauth", 400, "unauthorized_client", errors.ApplicationRejected),
        ("oauth", 400, "invalid_request", errors.Refused),
        ("oauth", 429, "2001", errors.RateLimited),
        ("trading", 200, "21917053", errors.TokenRejected),
        ("trading", 200, "932", errors.TokenRejected),
        ("trading", 200, "931", errors.TokenRejected),
        ("trading", 200, "16110", errors.TokenRejected),
        ("trading", 200, "17470", errors.TokenRejected),
        ("trading", 200, "21916984", errors.TokenRejected),
        ("trading", 200, "21917055", errors.TokenRejected),
        ("trading", 200, "930", errors.Refused),
        ("trading", 200, "518", errors.RateLimited),
        ("trading", 200, "21919144", errors.AccountLimited),
        ("trading", 200, "10007", errors.Unavailable),
        ("trading", 200, "340", errors.Refused),
        ("trading", 500, "10007", errors.Unavailable),
    ],
)
def test_each_answer_has_its_class(kind, status, error_id, expected):
    assert error_class(kind, status, [remote(error_id)]) is expected


def test_warnings_do_not_decide_and_system_faults_do():
    assert error_class("trading", 200, [remote("518", "Warning"), remote("2")]) is errors.Refused
    assert error_class("trading", 200, [remote("99", category="SystemError")]) is errors.Unavailable
    assert error_class("trading", 200, [remote("931", category="SystemError")]) is errors.TokenRejected


def test_no_two_rules_contradict_each_other():
    claims = [
        (rule.kind, status, error_id)
        for rule in RULES
        for status in rule.statuses
        for error_id in rule.error_ids
    ]
    assert len(claims) == len(set(claims))


def test_the_text_says_what_was_called_and_what_came_back():
    error = errors.RateLimited(
        "eBay answered HTTP 429",
        endpoint="getOrders",
        status=429,
        errors=[RemoteError("2001", message="Too many requests", parameters=(("limit", "5"),))],
        retry_after=30,
        request_id="ri=abc",
    )
    assert str(error) == (
        "getOrders: eBay answered HTTP 429: 2001 Too many requests (limit=5)"
        " [retry after 30 s] [request ri=abc]"
    )


def test_the_text_is_bounded():
    error = errors.Refused("no", errors=[RemoteError(str(n), message="x" * 900) for n in range(50)])
    assert len(str(error)) < 3000
    assert "45 more" in str(error)


def test_errors_survive_pickling():
    error = errors.RateLimited("x", endpoint="e", status=429, retry_after=3.0, errors=[remote("2001")])
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.retry_after, again.errors) == (str(error), 3.0, error.errors)


def test_what_may_succeed_later_is_retryable():
    later = {"RateLimited", "AccountLimited", "Unavailable", "DeadlineExceeded", "BadAnswer"}
    classes = [
        getattr(errors, name) for name in errors.__all__ if name[0].isupper() and name != "RemoteError"
    ]
    assert {kind.__name__ for kind in classes if kind().retryable} == later


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "Sat, 21 Nov 2026 10:01:00 GMT", "Date": "Sat, 21 Nov 2026 10:00:00 GMT"}, 60.0),
        ({"Retry-After": "Sat, 21 Nov 2026 09:00:00 GMT", "Date": "Sat, 21 Nov 2026 10:00:00 GMT"}, 0.0),
    ],
)
def test_retry_after(headers, seconds):
    assert retry_after_s(headers) == seconds
