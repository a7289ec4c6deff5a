from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from lxml import etree

from ebayconnector.ebay import errors, messages
from ebayconnector.ebay.masking import REDACTED

from .conftest import ACCESS_TOKEN
from .trading_answers import NAMESPACE, failure, fault, trading_answer

START = datetime(2026, 11, 1, tzinfo=UTC)
END = START + timedelta(days=20)
CALL = "GetMyMessages"
# The engine reads slices of at most so many pages.
_PAGES_OF_A_SLICE = 10


@pytest.fixture(autouse=True)
def no_folders_known():
    messages.forget_folders()
    yield
    messages.forget_folders()


def message(number: int, folder: str | None = "0", inner: str = "") -> str:
    where = f"<Folder><FolderID>{folder}</FolderID></Folder>" if folder else ""
    return f"<Message><MessageID>{number}</MessageID><Read>true</Read>{inner}{where}</Message>"


def letters(*numbers: int, folder: str | None = "0", ack: str = "Success", inner: str = ""):
    inside = "".join(message(number, folder) for number in numbers)
    return trading_answer(CALL, (f"<Messages>{inside}</Messages>" if inside else "") + inner, ack=ack)


def summary(*folders: int):
    inside = "".join(f"<FolderSummary><FolderID>{each}</FolderID></FolderSummary>" for each in folders)
    return trading_answer(CALL, f"<Summary>{inside}<TotalMessageCount>9</TotalMessageCount></Summary>")


NO_OWN_FOLDERS = summary(0, 1)


def read(connected, *, limit: int = 3, end: datetime = END):
    (page,) = messages.message_pages(connected.client, modified_from=START, modified_to=end, limit=limit)
    return page


def asked(connected) -> list[dict[str, str]]:
    found = []
    for request in connected.server.requests:
        root = etree.fromstring(request.body)
        paths = ("DetailLevel", "FolderID", "StartTime", "EndTime", "Pagination/EntriesPerPage",
                 "Pagination/PageNumber")  # fmt: skip
        texts = {
            path: root.findtext("/".join(f"{{{NAMESPACE}}}{n}" for n in path.split("/"))) for path in paths
        }
        found.append({path.rpartition("/")[2]: text for path, text in texts.items() if text})
    return found


def folders_asked(connected) -> list[str]:
    return [request.get("FolderID", request["DetailLevel"]) for request in asked(connected)]


def ids(page) -> list[str]:
    return [record["MessageID"] for record in page.items]


def test_inbox_and_sent_are_read_in_one_page(connect):
    connected = connect(NO_OWN_FOLDERS, letters(1, 2), letters(3, folder="1"))
    page = read(connected)
    assert (ids(page), page.total, page.has_next, page.limit) == (["1", "2", "3"], 3, False, 3)
    assert asked(connected)[1:] == [
        {
            "DetailLevel": "ReturnHeaders",
            "FolderID": folder,
            "StartTime": "2026-11-01T00:00:00.000Z",
            "EndTime": "2026-11-21T00:00:00.000Z",
            "EntriesPerPage": "3",
            "PageNumber": "1",
        }
        for folder in ("0", "1")
    ]


def test_an_empty_mailbox_is_a_page_of_nothing(connect):
    page = read(connect(NO_OWN_FOLDERS, letters(), letters()))
    assert (page.items, page.total, page.has_next) == ([], 0, False)


def test_a_single_message_is_a_record_too(connect):
    page = read(connect(NO_OWN_FOLDERS, letters(1), letters()))
    assert page.items == [{"MessageID": "1", "Read": "true", "Folder": {"FolderID": "0"}}]


def test_a_message_without_its_folder_gets_the_one_it_was_found_in(connect):
    page = read(connect(NO_OWN_FOLDERS, letters(), letters(1, folder=None)))
    assert page.items[0]["Folder"] == {"FolderID": "1"}


def test_a_message_found_twice_counts_once(connect):
    page = read(connect(NO_OWN_FOLDERS, letters(1, 2), letters(2, 3, folder="1")))
    assert (ids(page), page.total) == (["1", "2", "3"], 3)
    assert page.items[1]["Folder"] == {"FolderID": "0"}


def test_a_full_page_asks_for_smaller_windows_and_for_nothing_more(connect):
    connected = connect(NO_OWN_FOLDERS, letters(1, 2, 3))
    page = read(connected)
    assert (page.total, page.has_next, page.limit) == (60, True, 3)
    assert folders_asked(connected)[1:] == ["0"]


@pytest.mark.parametrize("limit", [2, 25, 200])
def test_a_full_page_is_more_than_any_slice_takes(connect, limit):
    page = read(connect(NO_OWN_FOLDERS, letters(*range(limit))), limit=limit)
    assert page.total > _PAGES_OF_A_SLICE * (page.limit - 1)


def test_a_full_page_of_sent_messages_counts_as_well(connect):
    page = read(connect(NO_OWN_FOLDERS, letters(1), letters(2, 3, 4)))
    assert page.has_next


@pytest.mark.parametrize("last", [letters(), failure(CALL, "340")])
def test_a_second_is_read_to_its_end(connect, last):
    connected = connect(NO_OWN_FOLDERS, letters(1, 2), letters(3, 4), last, letters(9))
    page = read(connected, limit=2, end=START + timedelta(seconds=1))
    assert (ids(page), page.total, page.has_next) == (["1", "2", "3", "4", "9"], 5, False)
    assert [request.get("PageNumber") for request in asked(connected)] == [None, "1", "2", "3", "1"]


def test_a_server_that_ignores_page_numbers_is_no_endless_mailbox(connect):
    connected = connect(NO_OWN_FOLDERS, letters(1, 2), letters(1, 2), letters())
    page = read(connected, limit=2, end=START + timedelta(seconds=1))
    assert (ids(page), page.has_next) == (["1", "2"], False)


def test_folders_of_the_users_own_are_read_too_and_asked_for_once(connect):
    connected = connect(
        summary(0, 1, 6, 11), letters(), letters(), letters(1, folder="6"), letters(), *[letters()] * 4
    )
    assert ids(read(connected)) == ["1"]
    read(connected)
    assert folders_asked(connected) == ["ReturnSummary", "0", "1", "6", "11", "0", "1", "6", "11"]


def test_folders_are_asked_for_again_after_an_hour(connect, monkeypatch):
    connected = connect(summary(0, 1), summary(0, 1, 6))
    clock = [1000.0]
    monkeypatch.setattr(messages, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    assert messages.custom_folders(connected.client) == ()
    clock[0] += 3599
    assert messages.custom_folders(connected.client) == ()
    clock[0] += 2
    assert messages.custom_folders(connected.client) == ("6",)


def test_each_account_has_its_own_folders(connect):
    connected = connect(summary(0, 1, 6), summary(0, 1, 7))
    assert messages.custom_folders(connected.client) == ("6",)
    other = connected.client.trying(1)
    other.caller = type(other.caller)(account_id=8, source="test")
    assert messages.custom_folders(other) == ("7",)


def test_a_folder_that_is_gone_is_left_out(connect):
    connected = connect(
        summary(0, 1, 6, 7), letters(1), letters(), failure(CALL, "37"), summary(0, 1, 7), letters(2)
    )
    assert ids(read(connected)) == ["1", "2"]
    assert messages.custom_folders(connected.client) == ("7",)


def test_a_refused_folder_that_is_there_is_an_error(connect):
    connected = connect(summary(0, 1, 6), letters(), letters(), failure(CALL, "37"), summary(0, 1, 6))
    with pytest.raises(errors.Refused, match="37"):
        read(connected)


def test_a_refused_inbox_is_an_error(connect):
    with pytest.raises(errors.Refused, match="37"):
        read(connect(NO_OWN_FOLDERS, failure(CALL, "37")))


def test_a_part_of_the_headers_is_not_taken_for_all(connect):
    part = letters(1, ack="PartialFailure", inner=fault("10007"))
    with pytest.raises(errors.BadAnswer, match="PartialFailure 10007"):
        read(connect(NO_OWN_FOLDERS, part))


def test_warnings_do_not_matter(connect):
    page = read(connect(NO_OWN_FOLDERS, letters(1, ack="Warning", inner=fault("1", "Warning")), letters()))
    assert ids(page) == ["1"]


def test_the_site_is_that_of_the_accounts_marketplace(connect):
    connected = connect(NO_OWN_FOLDERS)
    messages.custom_folders(connected.client)
    headers = connected.server.requests[0].headers
    assert headers["x-ebay-api-siteid"] == "77"
    assert headers["x-ebay-api-call-name"] == CALL


def test_bodies_are_asked_for_by_id(connect):
    html = "&lt;p&gt;Grüße &amp;amp; &lt;script&gt;x()&lt;/script&gt;&lt;/p&gt;"
    text = f"<Text>{html}</Text><Content>Grüße</Content>"
    connected = connect(trading_answer(CALL, f"<Messages>{message(1, inner=text)}</Messages>"))
    (found,) = messages.message_bodies(connected.client, ["1", "2<&"])
    assert found["Text"] == "<p>Grüße &amp; <script>x()</script></p>"
    assert found["Content"] == "Grüße"
    root = etree.fromstring(connected.server.requests[0].body)
    assert [node.text for node in root.iter(f"{{{NAMESPACE}}}MessageID")] == ["1", "2<&"]
    assert root.findtext(f"{{{NAMESPACE}}}DetailLevel") == "ReturnMessages"


def test_messages_that_are_gone_are_left_out(connect):
    part = letters(1, ack="PartialFailure", inner=fault("20118"))
    assert len(messages.message_bodies(connect(part).client, ["1", "2"])) == 1
    assert messages.message_bodies(connect(failure(CALL, "20118")).client, ["2"]) == []


def test_of_several_that_are_refused_together_none_is_taken_for_gone(connect):
    with pytest.raises(errors.Refused, match="20118"):
        messages.message_bodies(connect(failure(CALL, "20118")).client, ["1", "2"])


def test_a_part_of_the_bodies_is_not_taken_for_all(connect):
    part = letters(1, ack="PartialFailure", inner=fault("10007"))
    with pytest.raises(errors.BadAnswer, match="PartialFailure 10007"):
        messages.message_bodies(connect(part).client, ["1", "2"])


def test_another_refusal_of_bodies_is_one(connect):
    with pytest.raises(errors.Refused, match="37"):
        messages.message_bodies(connect(failure(CALL, "37")).client, ["2"])


def test_at_most_ten_bodies_at_once(connect):
    connected = connect(letters(*range(10)))
    assert len(messages.message_bodies(connected.client, [str(n) for n in range(10)])) == 10
    with pytest.raises(ValueError, match="at most 10"):
        messages.message_bodies(connected.client, [str(n) for n in range(11)])


def test_no_ids_no_call(connect):
    connected = connect()
    assert messages.message_bodies(connected.client, []) == []
    assert connected.server.requests == []


def test_the_token_shows_nowhere(connect, caplog):
    caplog.set_level(logging.DEBUG)
    secret = trading_answer(CALL, f"<RequesterCredentials>{ACCESS_TOKEN}</RequesterCredentials>")
    connected = connect(secret)
    messages.message_bodies(connected.client, ["1"])
    (exchange,) = connected.watcher.exchanges
    assert exchange.call.headers["X-EBAY-API-IAF-TOKEN"] == ACCESS_TOKEN
    shown = [caplog.text, repr(exchange), str(exchange.masked_request_headers), exchange.masked_request_body,
             exchange.masked_response_body, repr(connected.client)]  # fmt: skip
    assert "canary" not in "".join(shown)
    assert REDACTED in exchange.masked_response_body
