import pytest

from .conftest import SELLER
from .trading import NS, error, find, find_all, post, texts


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


def test_error_texts_are_german_in_austria_too(sim):
    shown = {find(post(sim, None, site=site), "Errors/ShortMessage") for site in ("77", "16")}
    assert shown == {"Kein Token gefunden."}


def test_each_wrong_input_is_an_error_of_its_own(sim):
    inside = "<StartTime>yesterday</StartTime><Pagination><EntriesPerPage>201</EntriesPerPage></Pagination>"
    answer = post(sim, sim.mint(), call="GetMyMessages", inside=inside)
    assert texts(answer, "Errors/ErrorCode") == ["10009", "5", "37"]
    named = ["DetailLevel", "StartTime", "Pagination/EntriesPerPage"]
    assert texts(answer, "Errors/ErrorParameters/Value") == named


def test_a_failure_has_no_data(sim):
    sim.control("POST", "/trading/problems", {"codes": [16110, 17470]})
    answer = post(sim, sim.mint())
    assert error(answer) == 16110
    assert texts(answer, "Errors/ErrorCode") == ["16110", "17470"]
    assert find(answer, "User/UserID") is None


@pytest.mark.parametrize(("ack", "severity"), [("Warning", "Warning"), ("PartialFailure", "Error")])
def test_problems_beside_the_data(sim, ack, severity):
    sim.control("POST", "/trading/problems", {"codes": [21919144], "ack": ack})
    answer = post(sim, sim.mint())
    assert find(answer, "Ack") == ack
    assert find(answer, "Errors/SeverityCode") == severity
    assert find(answer, "User/UserID") == SELLER


def test_planned_problems_end(sim):
    sim.control("POST", "/trading/problems", {"codes": [2], "count": 2, "call": "GetUser"})
    token = sim.mint()
    assert find(post(sim, token, call="GetMyeBayBuying"), "Ack") == "Success"
    assert [find(post(sim, token), "Ack") for _ in range(3)] == ["Failure", "Failure", "Success"]


def test_planned_problems_of_one_seller(sim):
    sim.control("POST", "/trading/problems", {"codes": [2], "seller": "outback_spares"})
    assert find(post(sim, sim.mint()), "Ack") == "Success"
    assert error(post(sim, sim.mint("outback_spares"))) == 2


def test_all_calls_share_one_quota(sim):
    token = sim.mint()
    sim.control("POST", "/quotas", {"api": "trading", "limit": 3})
    for call in ("GetMyeBaySelling", "GetMyeBayBuying", "GetUser"):
        assert find(post(sim, token, call=call), "Ack") == "Success"
    level = "<DetailLevel>ReturnHeaders</DetailLevel>"
    assert error(post(sim, token, call="GetMyMessages", inside=level)) == 518
    sim.control("POST", "/quotas", {"api": "trading", "limit": 5_000})


def test_poison_is_an_internal_error_with_status_200(sim):
    sim.control("POST", "/faults", {"path": "#GetUser$", "kind": "poison", "contains": SELLER})
    assert error(post(sim, sim.mint())) == 10007


def test_version_and_build_come_before_the_data(sim):
    names = [one.tag.partition("}")[2] for one in find_all(post(sim, sim.mint()), "*")]
    assert names == ["Timestamp", "Ack", "Version", "Build", "User"]


@pytest.mark.parametrize("codes", [None, [], ["518"], [True]])
def test_problems_must_be_numbers(sim, codes):
    sim.control("POST", "/trading/problems", {"codes": codes}, status=400)


def test_settings_of_trading_change_one_by_one(sim):
    changed = sim.control("POST", "/trading", {"selling_calls": 7})
    assert changed["selling_calls"] == 7
    assert sim.control("GET", "/trading") == changed
    sim.control("POST", "/trading", {"messages_sort": "sideways"}, status=400)
    assert sim.control("GET", "/trading") == changed
