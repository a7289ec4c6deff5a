from __future__ import annotations

import json
import time
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebayconnector.ebay.masking import MAX_BODY, mask, mask_body, mask_headers, mask_text, mask_url

# Long enough that first four and last four characters do not give the middle away.
SECRET = "abcdCANARYsecretCANARYwxyz"
TOKEN = "v^1.1#i^1#p^3#CANARY+secret/CANARY#t^H4sI=="
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJDQU5BUlkiOiJDQU5BUlkifQ.CANARY-signature"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "***"),
        ("", "***"),
        ("12345678901", "***"),
        ("123456789012", "1234…9012 (12)"),
        (TOKEN, f"v^1.…sI== ({len(TOKEN)})"),
    ],
)
def test_the_mask(value, shown):
    assert mask(value) == shown


def test_credentials_in_headers_are_redacted():
    headers = {
        "Authorization": f"Bearer {SECRET}",
        "x-ebay-api-iaf-token": SECRET,
        "X-EBAY-SIGNATURE-KEY": SECRET,
        "Set-Cookie": f"s={SECRET}",
        "Location": f"https://x/?code={quote(SECRET)}&state={SECRET}",
        "Content-Type": "text/html; charset=utf-8",
    }
    masked = mask_headers(headers)
    assert "CANARY" not in str(masked)
    assert masked["Authorization"] == "***REDACTED***"
    assert masked["Content-Type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize(
    "url",
    [
        f"https://x/cb?expires_in=299&code={quote(TOKEN, safe='')}&state=s",
        f"https://x/cb?code={TOKEN}&state=s",
        f"https://x/cb?state={SECRET}",
        f"https://x/cb#access_token={SECRET}",
        f"https://user:{SECRET}@x/cb",
        f"https://x/cb?odd={quote(TOKEN, safe='')}",
        f"https://x/login?to=https://y/cb?code={SECRET}",
    ],
)
def test_secrets_in_addresses_are_masked(url):
    assert "CANARY" not in mask_url(url)


def test_an_address_without_secrets_stays_as_it_is():
    url = "https://api.ebay.com/sell/fulfillment/v1/order?filter=lastmodifieddate%3A%5B2026..%5D&limit=200"
    assert mask_url(url) == url


@pytest.mark.parametrize(
    ("content_type", "body", "shown"),
    [
        ("application/json", f'{{"access_token": "{TOKEN}", "expires_in": 7200}}', '"expires_in": 7200}'),
        ("application/json", f'{{"a": [{{"privateKey": "{SECRET}"}}], "b": 1}}', '"b": 1'),
        ("application/json", f'{{"jwe": {{"x": ["{SECRET}"]}}, "b": 1}}', '"b": 1'),
        ("application/json", f'{{"access_token": "{SECRET}', "{"),
        ("application/json", f'{{"b": 1, "client_secret": ["{SECRET}"', '{"b": 1'),
        ("application/json", f'{{"refresh\\u005ftoken": "{SECRET}", "b": 1}}', '"b": 1'),
        ("text/plain", f'It said {{"token": "{SECRET}"}} there', "there"),
        (
            "application/x-www-form-urlencoded",
            f"grant_type=refresh_token&refresh_token={quote(SECRET)}",
            "grant",
        ),
        ("application/x-www-form-urlencoded", f"code={quote(TOKEN)}&b=1", "&b=1"),
        (None, f"grant_type=authorization_code&code={SECRET}", "grant_type=authorization_code"),
        ("text/xml", f"<a><eBayAuthToken>{SECRET}</eBayAuthToken><b>1</b></a>", "<b>1</b></a>"),
        ("text/xml", f"<a><x:RequesterCredentials><u>{SECRET}</u></x:RequesterCredentials><b/></a>", "<b/>"),
        ("text/xml", f"<a><eBayAuthToken>{SECRET}", "<a><eBayAuthToken>***REDACTED***"),
        ("text/xml", f'<a token="{SECRET}">1</a>', ">1</a>"),
        ("text/html", f"<p>Invalid token {TOKEN}</p>", "<p>Invalid token v^1."),
        ("text/plain", f"Bearer {SECRET} was refused", "was refused"),
        ("application/json", json.dumps({"said": json.dumps({"access_token": SECRET, "b": 1})}), '"b\\": 1'),
        ("application/x-www-form-urlencoded", f'{{"client_secret": "{SECRET}", "b": 1}}', '"b": 1'),
        ("application/json", f'{{"x": {{"token": }}, "b": "c", "token": "{SECRET}"}}', '"b": "c"'),
        ("text/plain", "a" * 300 + f"_token={SECRET} there", "there"),
        ("text/plain", f"a JWT: {JWT}!", "a JWT: eyJh…"),
        ("text/plain", f"sealed as enc:v1:k1:{SECRET} here", "here"),
        ("text/plain", f"{{'access_token': '{SECRET}'}}", "{'access_token': 'abcd…wxyz"),
        (
            "application/json",
            f'{{"message": "bad token={SECRET}", "refresh_token": null}}',
            '"refresh_token": null',
        ),
        ("text/plain", f"a -----BEGIN PRIVATE KEY-----\n{SECRET}", "a ***REDACTED***"),
    ],
)
def test_secrets_in_bodies_are_masked_and_the_rest_is_shown(content_type, body, shown):
    masked = mask_body(content_type, body.encode())
    assert "CANARY" not in masked
    assert shown in masked
    assert mask_body(content_type, body) == masked


@pytest.mark.parametrize(
    "body",
    [
        '{"orders": [{"orderId": "12-34567-89012", "countryCode": "US", "state": "CLOSED", "total": 312}]}',
        "<GetUserResponse><Ack>Success</Ack><ErrorCode>931</ErrorCode></GetUserResponse>",
        "HTTP 503: error code: 1234, please try again later",
        "",
    ],
)
def test_what_is_no_secret_is_left_alone(body):
    assert mask_body(None, body) == body


def test_a_masked_token_is_masked_once():
    assert mask_body("application/json", json.dumps({"access_token": TOKEN})) == json.dumps(
        {"access_token": mask(TOKEN)}, ensure_ascii=False
    )


@pytest.mark.parametrize("head", ["MC4CAQAwBQYDK2VwBCIEI", "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC"])
@pytest.mark.parametrize("text", ["key {} in words", '["{}"]', '{{"note": "{}"}}', "a=1&b={}"])
def test_a_private_key_without_armour_is_redacted_by_its_looks(head, text):
    key = f"{head}Jabc+def/CANARY\\/CANARY%2FCANARY=="
    masked = mask_body("text/plain", text.format(key))
    assert masked == text.format("***REDACTED***")


def test_long_bodies_are_cut_and_say_so():
    masked = mask_body("text/plain", b"x" * (MAX_BODY + 1000))
    assert masked.endswith(f"… [1000 of {MAX_BODY + 1000} bytes cut]")
    assert len(masked) < MAX_BODY + 100


def test_a_secret_across_the_cut_is_masked():
    body = b'{"a":"' + b"x" * (MAX_BODY - 40) + b'","access_token":"' + SECRET.encode() * 9 + b'"}'
    assert "CANARY" not in mask_body("application/json", body)


@pytest.mark.parametrize("charset", ["utf-16", "utf-16-le", "utf-8-sig", "latin-1", "no-such-charset"])
def test_odd_character_sets_hide_nothing(charset):
    encoding = "utf-8" if charset == "no-such-charset" else charset
    body = f'{{"access_token": "{SECRET}"}}'.encode(encoding)
    assert "CANARY" not in mask_body(f"application/json; charset={charset}", body).replace("\x00", "")


NASTY = ["<a " * 22_000, 'a"' * 32_000, '"a":' * 16_000, "<a b='" * 11_000, "a" * MAX_BODY, "a=" * 32_000]
NASTY += [
    "<token>" * 9_000,
    '{"token":' * 7_000,
    "-----BEGIN PRIVATE KEY-----" * 2_400,
    "v^1" * 21_000,
    "\\" * MAX_BODY,
]


@pytest.mark.parametrize("body", NASTY, ids=[body[:9] for body in NASTY])
@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/json", "application/x-www-form-urlencoded"]
)
def test_no_body_takes_long(body, content_type):
    started = time.process_time()
    mask_body(content_type, body)
    # A regular expression gone wrong takes minutes.
    assert time.process_time() - started < 2


KEYS = st.sampled_from(
    ["access_token", "refreshToken", "privateKey", "jwe", "code", "client-secret", "eBayAuthToken"]
)
PLAIN = st.text(max_size=8) | st.integers() | st.none()
DOCUMENTS = st.recursive(
    PLAIN
    | st.builds(
        lambda key, value: {key: value}, KEYS, st.just(SECRET) | st.just([SECRET]) | st.just({"v": SECRET})
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=300)
@given(
    DOCUMENTS, st.integers(0, 400), st.booleans(), st.sampled_from(["application/json", "text/plain", None])
)
def test_no_secret_survives_in_json_whole_or_cut(document, keep, whole, content_type):
    text = json.dumps(document, ensure_ascii=False)
    body = text if whole else text[:keep]
    assert "CANARY" not in mask_body(content_type, body)


@settings(max_examples=200)
@given(
    st.lists(st.tuples(KEYS | st.text(max_size=5), st.just(SECRET) | st.just(TOKEN)), max_size=5),
    st.integers(0, 300),
)
def test_no_secret_survives_under_its_name_in_a_form(pairs, keep):
    pairs = [
        (name, value)
        for name, value in pairs
        if value == TOKEN or name.isascii() and len(name) > 5 or name in ("code", "jwe")
    ]
    body = urlencode(pairs)
    assert "CANARY" not in mask_body("application/x-www-form-urlencoded", body)
    assert "CANARY" not in mask_body("application/x-www-form-urlencoded", body[:keep])


@settings(max_examples=300)
@given(
    st.binary(max_size=300),
    st.sampled_from([None, "application/json", "text/xml", "text/html; charset=x", "a=b"]),
)
def test_masking_never_raises(body, content_type):
    assert isinstance(mask_body(content_type, body), str)
    assert isinstance(mask_text(body.decode("latin-1")), str)
    assert isinstance(mask_url(body.decode("latin-1")), str)
