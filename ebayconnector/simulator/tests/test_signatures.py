"""Message signatures on the Finances API, against eBay's guide and 03 §12."""

import hashlib
from base64 import b64decode, b64encode

import pytest
from cryptography.hazmat.primitives.serialization import load_der_public_key

from ebayconnector.simulator.ebay_errors import EbayError
from ebayconnector.simulator.signatures import Message, holds, signature_base, verify
from ebayconnector.simulator.signing_keys import SigningKeys, open_jwe, seal
from ebayconnector.simulator.times import parse_iso

from .conftest import API
from .finances import PATH, Finances, Signer

GB_SELLER = "thames_tools"
LIST = f"{PATH}/transaction"


@pytest.fixture
def british(sim):
    return Finances(sim, GB_SELLER)


@pytest.fixture
def signer(sim):
    return Signer(sim)


def refused(answer) -> tuple[int, int]:
    return answer.status_code, answer.json()["errors"][0]["errorId"]


def said(answer) -> str:
    return " ".join(f"{one['name']} {one['value']}" for one in answer.json()["errors"][0]["parameters"])


@pytest.mark.parametrize("cipher", ["ED25519", "RSA"])
def test_signed_call_is_served(sim, british, cipher):
    assert british.get("/transaction", headers=Signer(sim, cipher).headers(LIST)).status_code == 200


def test_query_is_not_signed(british, signer):
    answer = british.get("/transaction", "transactionType:{SALE}", headers=signer.headers(LIST), limit=5)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "path",
    ["transaction", "transaction_summary", "payout", "payout_summary", "payout/5", "transfer/5"]
    + ["seller_funds_summary"],
)
def test_every_method_wants_a_signature(british, path):
    assert refused(british.get(f"/{path}")) == (403, 215001)


@pytest.mark.parametrize("seller", ["mueller_technik", "brocante_zoe"])
def test_sellers_of_the_eu_must_sign(sim, seller):
    body = Finances(sim, seller).get("/payout").json()["errors"][0]
    assert body["message"] == "Missing x-ebay-signature-key header"
    assert body["longMessage"] == "Missing x-ebay-signature-key header to fulfill the request."
    assert (body["domain"], body["category"]) == ("ACCESS", "REQUEST")


@pytest.mark.parametrize("seller", ["northwind_parts", "outback_spares"])
def test_nonsense_is_ignored_for_others(sim, seller):
    nonsense = {"x-ebay-signature-key": "BLABLA", "Signature": "x", "Signature-Input": "y"}
    assert Finances(sim, seller).get("/transaction", headers=nonsense).status_code == 200


def test_enforcement_can_be_asked_for(sim, signer):
    caller = Finances(sim)
    asked = {"x-ebay-enforce-signature": "true"}
    assert refused(caller.get("/transaction", headers=asked)) == (403, 215001)
    assert caller.get("/transaction", headers=asked | signer.headers(LIST)).status_code == 200


def test_enforcement_can_be_set(sim, british):
    sim.control("POST", "/finances", {"signatures": "all"})
    assert refused(Finances(sim).get("/transaction")) == (403, 215001)
    sim.control("POST", "/finances", {"signatures": "never"})
    assert british.get("/transaction").status_code == 200


@pytest.mark.parametrize(
    ("header", "expected"),
    [("x-ebay-signature-key", 215001), ("Signature", 215111), ("Signature-Input", 215112)],
)
def test_missing_header(british, signer, header, expected):
    headers = signer.headers(LIST)
    del headers[header]
    answer = british.get("/transaction", headers=headers)
    assert refused(answer) == (403, expected)
    assert header.lower() in said(answer)


def test_key_that_is_no_jwe(british, signer):
    answer = british.get("/transaction", headers=signer.headers(LIST) | {"x-ebay-signature-key": "BLABLA"})
    assert refused(answer) == (403, 215116)


def test_key_of_another_environment(british, signer):
    parts = signer.key["jwe"].split(".")
    parts[3] = parts[3][::-1]
    headers = signer.headers(LIST) | {"x-ebay-signature-key": ".".join(parts)}
    assert refused(british.get("/transaction", headers=headers)) == (403, 215115)


def test_key_of_another_application(sim, british):
    other = {"client_id": "Other-App", "client_secret": "other-secret", "runame": "Other-RuName"}
    sim.control("POST", "/applications", other | {"accept_url": "http://other.invalid/"})
    auth = ("Other-App", "other-secret")
    token = sim.token(auth=auth, grant_type="client_credentials", scope=API).json()["access_token"]
    signer = Signer(sim, client_token=token)
    assert refused(british.get("/transaction", headers=signer.headers(LIST))) == (403, 215117)


def test_jwe_without_a_public_key(sim, british, signer):
    jwe = seal("unknown-key", {"appid": "x"})
    headers = signer.headers(LIST) | {"x-ebay-signature-key": jwe}
    assert refused(british.get("/transaction", headers=headers)) == (403, 215118)


def test_expired_key(sim, british, signer):
    sim.control("POST", f"/signing_keys/{signer.key['signingKeyId']}/expire", {"after_s": 60})
    assert british.get("/transaction", headers=signer.headers(LIST)).status_code == 200
    sim.control("POST", "/clock", {"advance_s": 61})
    answer = british.get("/transaction", headers=signer.headers(LIST))
    assert refused(answer) == (403, 215121)
    assert "expired" in said(answer)


def test_key_ends_after_three_years(sim, signer):
    sim.control("POST", "/clock", {"advance_s": 94_608_000 - 5})
    assert (
        Finances(sim, GB_SELLER).get("/payout", headers=signer.headers(f"{PATH}/payout")).status_code == 200
    )
    sim.control("POST", "/clock", {"advance_s": 5})
    answer = Finances(sim, GB_SELLER).get("/payout", headers=signer.headers(f"{PATH}/payout"))
    assert refused(answer) == (403, 215121)


def test_revoked_key(sim, british, signer):
    sim.control("POST", f"/signing_keys/{signer.key['signingKeyId']}/revoke")
    answer = british.get("/transaction", headers=signer.headers(LIST))
    assert refused(answer) == (403, 215121)
    assert "revoked" in said(answer)


def test_key_verifies_after_the_world_was_made_anew(sim, signer):
    sim.control("POST", "/reset", {})
    british = Finances(sim, GB_SELLER)
    assert british.get("/transaction", headers=signer.headers(LIST)).status_code == 200


@pytest.mark.parametrize(("off_s", "status"), [(-900, 200), (900, 200), (-901, 403), (901, 403)])
def test_created_may_be_a_quarter_of_an_hour_away(sim, british, signer, off_s, status):
    created = parse_iso(sim.freeze()) // 1000 + off_s
    answer = british.get("/transaction", headers=signer.headers(LIST, created=created))
    assert answer.status_code == status
    if status == 403:
        assert refused(answer) == (403, 215114)
        assert "created" in said(answer)


def test_tolerance_can_be_set(sim, british, signer):
    sim.control("POST", "/finances", {"signature_tolerance_s": 5})
    created = parse_iso(sim.freeze()) // 1000 - 6
    assert refused(british.get("/transaction", headers=signer.headers(LIST, created=created))) == (
        403,
        215114,
    )


@pytest.mark.parametrize("created", ['"1663459378"', "soon", ""])
def test_created_that_is_no_number(british, signer, created):
    headers = signer.headers(LIST)
    covered = headers["Signature-Input"].partition(";")[0]
    headers["Signature-Input"] = f"{covered};created={created}" if created else covered
    assert refused(british.get("/transaction", headers=headers)) == (403, 215113)


@pytest.mark.parametrize("name", ["x-ebay-signature-key", "@method", "@path", "@authority"])
def test_component_that_is_not_covered_is_named(british, signer, name):
    answer = british.get("/transaction", headers=signer.headers(LIST, **{name: None}))
    assert refused(answer) == (403, 215122)
    assert name in said(answer)


@pytest.mark.parametrize(
    ("name", "value"),
    [("@path", f"{LIST}?limit=5"), ("@authority", "apiz.ebay.com"), ("@method", "get"), ("@method", "POST")],
)
def test_component_that_differs_is_named(british, signer, name, value):
    answer = british.get("/transaction", headers=signer.headers(LIST, **{name: value}), limit=5)
    assert refused(answer) == (403, 215120)
    assert name in said(answer)


def test_signature_of_another_call(british, signer):
    answer = british.get("/transaction", headers=signer.headers(f"{PATH}/payout"))
    assert refused(answer) == (403, 215120)


def test_signature_of_another_key(sim, british, signer):
    headers = signer.headers(LIST) | {"x-ebay-signature-key": Signer(sim).key["jwe"]}
    assert refused(british.get("/transaction", headers=headers)) == (403, 215120)


@pytest.mark.parametrize("signature", ["sig2=:AAAA:", "sig1=AAAA", "sig1=:!!:"])
def test_signature_header_of_another_form(british, signer, signature):
    headers = signer.headers(LIST) | {"Signature": signature}
    assert refused(british.get("/transaction", headers=headers)) == (403, 215122)


@pytest.mark.parametrize("text", ["sig1", "sig1=(@path);created=1663459378", 'sig1=("@path";created=1'])
def test_signature_input_of_another_form(british, signer, text):
    headers = signer.headers(LIST) | {"Signature-Input": text}
    assert refused(british.get("/transaction", headers=headers))[0] == 403


def test_refused_token_comes_before_the_signature(sim, british):
    british.token = "v^1.1#i^1#unknown"
    assert british.get("/transaction").status_code == 401


BODY = b'{"hello": "world"}'


def body_call(british, signer, headers, body=BODY):
    given = {"Authorization": f"Bearer {british.token}"} | headers
    return signer.sim.http.request("GET", signer.sim.url + LIST, data=body, headers=given, timeout=30)


def test_body_is_covered_by_its_digest(british, signer):
    assert body_call(british, signer, signer.headers(LIST, body=BODY)).status_code == 200


def test_body_without_digest(british, signer):
    assert refused(body_call(british, signer, signer.headers(LIST))) == (403, 215000)


def test_digest_that_is_not_covered(british, signer):
    headers = signer.headers(LIST)
    headers["Content-Digest"] = signer.headers(LIST, body=BODY)["Content-Digest"]
    answer = body_call(british, signer, headers)
    assert refused(answer) == (403, 215122)
    assert "content-digest" in said(answer)


@pytest.mark.parametrize(
    ("digest", "expected"),
    [
        (f"sha-256=:{b64encode(hashlib.sha256(b'other').digest()).decode()}:", 215105),
        ("sha-256=:!!:", 215104),
        ("md5=:AAAA:", 215103),
    ],
)
def test_wrong_digest(british, signer, digest, expected):
    headers = signer.headers(LIST, body=BODY) | {"Content-Digest": digest}
    assert refused(body_call(british, signer, headers)) == (403, expected)


def test_digest_of_no_body(british, signer):
    headers = signer.headers(LIST) | {"Content-Digest": signer.headers(LIST, body=BODY)["Content-Digest"]}
    assert refused(british.get("/transaction", headers=headers)) == (403, 215102)


# The worked vector of 03 §12.3.
PUBLIC = "MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs="
JWE = (
    "eyJhbGciOiJBMjU2R0NNS1ciLCJlbmMiOiJBMjU2R0NNIiwiemlwIjoiREVGIiwiaXYiOiJvSzFwdXJNVHQtci14VUwzIiwidGFnIjoi"
    "TjB4WjI4ZklZckFmYkd5UWFrTnpjZyJ9.AYdKU7ObIc7Z764OrlKpwUViK8Rphxl0xMP9v2_o9mI.1DbZiSQNRK6pLeIw.Yzp3IDV8RM"
    "_h_lMAnwGpMA4DXbaDdmqAh-65kO9xyDgzHD6s0kY3p-yO6oPR9kEcAbjGXIULeQKWVYzbfHKwXTY09Npj_mNuO5yxgZtWnL55uIgP2HL"
    "1So2dKkZRK0eyPa6DEXJT71lPtwZtpIGyq9R5h6s3kGMbqA.m4t_MX4VnlXJGx1X_zZ-KQ"
)
SIGNATURE = "gkk7dqudw21DFHDVBoRUWe/F6/2hTEmWRFDBxiN6COD4PjozXziiDFML1nFHu+0UcMXC/niltxzABjnugu4DCA=="
COVERED = ["content-digest", "x-ebay-signature-key", "@method", "@path", "@authority"]
PARAMS = "(" + " ".join(f'"{name}"' for name in COVERED) + ");created=1663459378"


def vector(**changes) -> Message:
    headers = {
        "host": "localhost:8080",
        "content-digest": "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:",
        "x-ebay-signature-key": JWE,
    }
    return Message(
        **{"method": "POST", "path": "/test", "query": "", "headers": headers, "body": BODY} | changes
    )


def test_worked_vector_holds():
    public = load_der_public_key(b64decode(PUBLIC))
    assert holds(public, signature_base(vector(), PARAMS, COVERED), b64decode(SIGNATURE))
    assert not holds(public, signature_base(vector(path="/test2"), PARAMS, COVERED), b64decode(SIGNATURE))


def test_ebays_own_test_key_is_not_ours():
    sent = dict(vector().headers) | {"signature": f"sig1=:{SIGNATURE}:", "signature-input": f"sig1={PARAMS}"}
    with pytest.raises(EbayError) as refusal:
        verify(vector(headers=sent), SigningKeys(), client_id="x", now_s=1663459378, tolerance_s=60)
    assert refusal.value.body["errors"][0]["errorId"] == 215115


def test_jwe_gives_back_its_claims():
    assert open_jwe(seal("key-1", {"appid": "App", "pkey": "ü"})) == ("key-1", {"appid": "App", "pkey": "ü"})
