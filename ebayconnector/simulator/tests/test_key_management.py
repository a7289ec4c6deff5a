from base64 import b64decode

import jsonschema
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key

from ebayconnector.simulator.times import parse_iso

from .conftest import contract, error_id
from .finances import KEYS


def create(sim, body=None, token=None, **sent):
    headers = {"Authorization": f"Bearer {token or sim.app_token()}"}
    if not sent:
        sent = {"json": {"signingKeyCipher": "ED25519"} if body is None else body}
    return sim.http.post(sim.url + KEYS, headers=headers, timeout=30, **sent)


@pytest.mark.parametrize(("cipher", "kind"), [("ED25519", Ed25519PrivateKey), ("RSA", RSAPrivateKey)])
def test_new_key_is_a_pair_without_armour(sim, cipher, kind):
    key = create(sim, {"signingKeyCipher": cipher}).json()
    private = load_der_private_key(b64decode(key["privateKey"], validate=True), password=None)
    public = load_der_public_key(b64decode(key["publicKey"], validate=True))
    assert isinstance(private, kind)
    assert private.public_key() == public
    assert key["signingKeyCipher"] == cipher


def test_key_lives_three_years_from_now_in_unix_seconds(sim):
    now_s = parse_iso(sim.freeze()) // 1000
    key = create(sim).json()
    assert (key["creationTime"], key["expirationTime"]) == (now_s, now_s + 94_608_000)


def test_private_key_is_shown_once(sim):
    token, made = sim.app_token(), create(sim).json()
    made.pop("privateKey")
    assert sim.get(f"{KEYS}/{made['signingKeyId']}", token).json() == made
    assert sim.get(KEYS, token).json() == {"signingKeys": [made]}


def test_jwe_tells_nothing_in_clear(sim):
    key = create(sim).json()
    assert key["jwe"].count(".") == 4
    assert key["publicKey"] not in key["jwe"]


def test_several_keys_coexist_and_belong_to_their_application(sim):
    ids = {create(sim).json()["signingKeyId"] for _ in range(2)}
    other = {"client_id": "Other-App", "client_secret": "other-secret", "runame": "Other-RuName"}
    sim.control("POST", "/applications", other | {"accept_url": "http://other.invalid/"})
    answer = sim.token(
        auth=("Other-App", "other-secret"),
        grant_type="client_credentials",
        scope="https://api.ebay.com/oauth/api_scope",
    )
    foreign = answer.json()["access_token"]
    assert {key["signingKeyId"] for key in sim.get(KEYS, sim.app_token()).json()["signingKeys"]} == ids
    assert sim.get(KEYS, foreign).json() == {"signingKeys": []}
    assert error_id(sim.get(f"{KEYS}/{ids.pop()}", foreign)) == 210002


def test_unknown_key(sim):
    answer = sim.get(f"{KEYS}/nobody", sim.app_token())
    assert (answer.status_code, error_id(answer)) == (404, 210002)


@pytest.mark.parametrize("path", [KEYS, f"{KEYS}/any"])
def test_a_users_token_is_refused(sim, path):
    answer = sim.get(path, sim.mint())
    assert (answer.status_code, error_id(answer)) == (400, 210005)


def test_a_users_token_creates_no_key(sim):
    assert error_id(create(sim, token=sim.mint())) == 210005
    assert sim.control("GET", "/signing_keys")["signingKeys"] == []


@pytest.mark.parametrize("body", [{}, {"signingKeyCipher": "DSA"}, {"signingKeyCipher": None}])
def test_bad_cipher(sim, body):
    answer = create(sim, body)
    assert (answer.status_code, error_id(answer)) == (400, 210001)


@pytest.mark.parametrize("data", [b"", b"ED25519", b'["ED25519"]'])
def test_bad_payload(sim, data):
    answer = create(sim, data=data)
    assert (answer.status_code, error_id(answer)) == (400, 210006)


def test_keys_fit_the_contract(sim):
    document = contract("developer_key_management_v1_oas3.json")
    made, listed = create(sim).json(), sim.get(KEYS, sim.app_token()).json()
    for name, body in (("SigningKey", made), ("QuerySigningKeysResponse", listed)):
        jsonschema.validate(body, {"$ref": f"#/components/schemas/{name}", **document})
    assert set(made) == set(document["components"]["schemas"]["SigningKey"]["properties"])


def test_quota_and_server_error_are_its_own(sim):
    sim.control("POST", "/faults", {"path": "key_management", "kind": "server_error"})
    assert error_id(create(sim)) == 210000
    sim.control("POST", "/quotas", {"api": "key_management", "limit": 0})
    assert error_id(create(sim)) == 2001


def test_revoked_key_is_gone_from_the_api_and_stays_in_the_control_api(sim):
    key_id = create(sim).json()["signingKeyId"]
    sim.control("POST", f"/signing_keys/{key_id}/revoke")
    assert sim.get(KEYS, sim.app_token()).json() == {"signingKeys": []}
    listed = sim.control("GET", "/signing_keys")["signingKeys"]
    assert [(key["signingKeyId"], key["revoked"]) for key in listed] == [(key_id, True)]
    assert "privateKey" not in listed[0]


def test_expiring_an_unknown_key_says_so(sim):
    assert "no such" in sim.control("POST", "/signing_keys/x/expire", {}, status=400)["error"]
