import pytest
from lxml import etree

from .conftest import SELLER

NS = {"e": "urn:ebay:apis:eBLBaseComponents"}


def post(sim, token, *, call="GetUser", site="0", inside="", body=None, **changes):
    headers = {
        "X-EBAY-API-CALL-NAME": call,
        "X-EBAY-API-SITEID": site,
        "X-EBAY-API-COMPATIBILITY-LEVEL": "1423",
        "X-EBAY-API-IAF-TOKEN": token,
        "Content-Type": "text/xml",
    } | {name.replace("_", "-"): value for name, value in changes.items()}
    if body is None:
        body = f'<?xml version="1.0"?><{call}Request xmlns="{NS["e"]}">{inside}</{call}Request>'
    return sim.http.post(
        f"{sim.url}/ws/api.dll",
        data=body.encode(),
        headers={name: value for name, value in headers.items() if value is not None},
        timeout=30,
    )


def find(answer, path):
    assert answer.status_code == 200
    return etree.fromstring(answer.content).findtext(
        "/".join(f"e:{step}" for step in path.split("/")), None, NS
    )


def error(answer):
    assert find(answer, "Ack") == "Failure"
    return int(find(answer, "Errors/ErrorCode"))


def test_get_user_tells_the_owner(sim):
    seller = next(one for one in sim.control("GET", "/sellers")["sellers"] if one["username"] == SELLER)
    answer = post(sim, sim.mint(), inside="<MessageID>our-id-1</MessageID>")
    assert find(answer, "Ack") == "Success"
    assert find(answer, "CorrelationID") == "our-id-1"
    assert find(answer, "User/UserID") == SELLER
    assert find(answer, "User/EIASToken") == seller["eiasToken"]
    assert find(answer, "User/Site") == "UK"


def test_timestamp_is_the_simulators_clock_in_milliseconds(sim):
    token = sim.mint()
    now = sim.freeze()
    assert find(post(sim, token), "Timestamp") == now


def test_no_correlation_id_without_message_id(sim):
    assert find(post(sim, sim.mint()), "CorrelationID") is None


def test_get_user_of_somebody_else_hides_the_email(sim):
    answer = post(sim, sim.mint(), inside="<UserID>outback_spares</UserID>")
    assert find(answer, "User/UserID") == "outback_spares"
    assert find(answer, "User/Email") is None


def test_no_token(sim):
    assert error(post(sim, None)) == 930


def test_token_of_another_shape(sim):
    assert error(post(sim, "AgAAAA**AQAAAA**")) == 931


def test_unknown_token(sim):
    assert error(post(sim, "v^1.1#i^1#unknown")) == 21916984


def test_application_token_is_no_user_token(sim):
    assert error(post(sim, sim.app_token())) == 21916984


def test_expired_token(sim):
    token = sim.mint()
    sim.control("POST", "/tokens/expire", {"seller": SELLER})
    assert error(post(sim, token)) == 21917053


def test_revoked_token(sim):
    token = sim.mint()
    sim.control("POST", "/tokens/revoke", {"seller": SELLER})
    assert error(post(sim, token)) == 21916984


@pytest.mark.parametrize("call", ["GeteBayOfficialTime", "MakeTea"])
def test_unsupported_call(sim, call):
    assert error(post(sim, sim.mint(), call=call)) == 2


@pytest.mark.parametrize("header", ["CALL_NAME", "SITEID", "COMPATIBILITY_LEVEL"])
def test_missing_header(sim, header):
    assert error(post(sim, sim.mint(), **{f"X_EBAY_API_{header}": None})) == 10012


def test_error_texts_follow_the_site(sim):
    texts = {site: find(post(sim, None, site=site), "Errors/ShortMessage") for site in ("0", "77", "71")}
    assert len(set(texts.values())) == 3


def test_error_language_wins_over_the_site(sim):
    german = find(post(sim, None, site="77"), "Errors/ShortMessage")
    asked = find(post(sim, None, inside="<ErrorLanguage>de_DE</ErrorLanguage>"), "Errors/ShortMessage")
    assert asked == german


@pytest.mark.parametrize(
    "body", ["", "<not xml", "<GetUserRequest/>", "<A xmlns='urn:ebay:apis:eBLBaseComponents'/>"]
)
def test_body_that_is_no_get_user_request(sim, body):
    assert error(post(sim, sim.mint(), body=body)) == 5


def test_entities_are_not_read(sim):
    body = (
        '<!DOCTYPE x [<!ENTITY secret SYSTEM "file:///etc/hostname">]>'
        f'<GetUserRequest xmlns="{NS["e"]}"><MessageID>&secret;</MessageID></GetUserRequest>'
    )
    assert error(post(sim, sim.mint(), body=body)) == 5


def test_quota_of_all_calls_together(sim):
    token = sim.mint()
    sim.control("POST", "/quotas", {"api": "trading", "limit": 1})
    assert find(post(sim, token), "Ack") == "Success"
    assert error(post(sim, token)) == 518


@pytest.mark.parametrize(
    ("kind", "code"), [("expired_token", 21917053), ("rate_limited", 518), ("server_error", 10007)]
)
def test_faults_speak_trading(sim, kind, code):
    sim.control("POST", "/faults", {"path": "#GetUser$", "kind": kind})
    answer = post(sim, sim.mint(), inside="<MessageID>m</MessageID>")
    assert error(answer) == code
    assert find(answer, "CorrelationID") == "m"


def test_fault_with_a_chosen_code(sim):
    sim.control("POST", "/faults", {"path": "#GetUser$", "kind": "expired_token", "code": 932})
    assert error(post(sim, sim.mint())) == 932


def test_system_errors_are_classified(sim):
    sim.control("POST", "/faults", {"path": "/ws/", "kind": "server_error"})
    assert find(post(sim, sim.mint()), "Errors/ErrorClassification") == "SystemError"
