"""GetMyMessages as 03 §3.5 describes it."""

import pytest
from lxml import etree

from .conftest import SELLER
from .trading import (
    advance,
    error,
    find,
    find_all,
    pagination,
    post,
    read,
    reset,
    texts,
    truth,
    written,
)


def messages(sim, token=None, *, level="ReturnHeaders", inside="", site="0"):
    inside = f"<DetailLevel>{level}</DetailLevel>{inside}"
    return post(sim, token or sim.mint(), call="GetMyMessages", inside=inside, site=site)


def ids_of(answer):
    return texts(answer, "Messages/Message/MessageID")


def by_ids(*ids, kind="MessageID"):
    return f"<{kind}s>{''.join(f'<{kind}>{one}</{kind}>' for one in ids)}</{kind}s>"


def all_ids(sim, inside="", entries=20):
    """A pass over all pages, as a client must make it: until a page is not full."""
    token, found, page = sim.mint(), [], 1
    while True:
        ids = ids_of(messages(sim, token, inside=inside + pagination(entries, page)))
        found += ids
        if len(ids) < entries:
            return found
        page += 1


def add(sim, **fields):
    return sim.control("POST", "/messages", {"seller": SELLER, **fields})["messageIds"]


def one(sim, message_id, level="ReturnHeaders"):
    return messages(sim, level=level, inside=by_ids(message_id))


def flag(sim, message_id, name):
    return find(one(sim, message_id), f"Messages/Message/{name}")


def test_detail_level_is_mandatory(sim):
    assert error(post(sim, sim.mint(), call="GetMyMessages")) == 10009


def test_detail_level_of_no_such_name(sim):
    assert error(messages(sim, level="ReturnAll")) == 5


def test_headers_have_no_text(sim):
    answer = messages(sim)
    assert ids_of(answer)
    assert texts(answer, "Messages/Message/Text") == texts(answer, "Messages/Message/Content") == []


def test_nothing_says_how_many_pages_there_are(sim):
    assert find_all(messages(sim), "PaginationResult") == []


def test_twenty_five_to_a_page_unless_said_otherwise(sim):
    assert len(ids_of(messages(sim))) == 25


def test_a_pass_over_all_pages_gives_each_received_message_once(sim):
    reset(sim)
    known = [row["MessageID"] for row in truth(sim, "messages") if row["Folder"]["FolderID"] != 1]
    found = all_ids(sim)
    assert len(found) == len(set(found)) == 60
    assert sorted(found) == sorted(known)


def test_newest_first_or_oldest_first(sim):
    reset(sim)
    newest = all_ids(sim)
    sim.control("POST", "/trading", {"messages_sort": "oldest_first"})
    assert all_ids(sim) == newest[::-1]
    dates = texts(messages(sim), "Messages/Message/ReceiveDate")
    assert dates == sorted(dates)


@pytest.mark.parametrize("folder", [0, 1, 6, 11])
def test_each_folder_by_itself(sim, folder):
    reset(sim, messages=200)
    known = [row["MessageID"] for row in truth(sim, "messages") if row["Folder"]["FolderID"] == folder]
    assert known
    assert sorted(all_ids(sim, f"<FolderID>{folder}</FolderID>")) == sorted(known)


@pytest.mark.parametrize("folder", ["5", "-1"])
def test_no_such_folder(sim, folder):
    assert error(messages(sim, inside=f"<FolderID>{folder}</FolderID>")) == 37


def test_no_container_when_there_are_no_messages(sim):
    reset(sim, messages=0)
    answer = messages(sim)
    assert find(answer, "Ack") == "Success"
    assert find_all(answer, "Messages") == []


def test_a_page_behind_the_end_is_empty_or_an_error(sim):
    behind = pagination(200, 2)
    assert find_all(messages(sim, inside=behind), "Messages") == []
    sim.control("POST", "/trading", {"messages_beyond_end": "error"})
    assert error(messages(sim, inside=behind)) == 340
    assert len(ids_of(messages(sim, inside=pagination(200)))) == 60


@pytest.mark.parametrize(("entries", "page", "code"), [(0, 1, 37), (201, 1, 37), (25, 0, 37), ("x", 1, 5)])
def test_pages_that_cannot_be(sim, entries, page, code):
    assert error(messages(sim, inside=pagination(entries, page))) == code


def test_start_and_end_are_inclusive_receive_dates(sim):
    reset(sim, messages=0)
    first, second, third = (add(sim, received_at=f"2026-01-0{day}T00:00:00.000Z")[0] for day in (1, 2, 3))
    sim.control("POST", "/clock", {"now": "2026-02-01T00:00:00.000Z"})
    start, end = "<StartTime>2026-01-02T00:00:00.000Z</StartTime>", "<EndTime>2026-01-02T00:00:00Z</EndTime>"
    assert ids_of(messages(sim, inside=start)) == [third, second]
    assert ids_of(messages(sim, inside=end)) == [second, first]
    assert ids_of(messages(sim, inside=start + end)) == [second]


def test_a_date_that_is_none(sim):
    assert error(messages(sim, inside="<StartTime>2026-01-02T00:00:00.000+00:00Z</StartTime>")) == 5


def test_elements_that_ebay_does_not_know_are_ignored_in_silence(sim):
    inside = "<StartTimeFrom>2026-11-20T00:00:00.000Z</StartTimeFrom>" + pagination(200)
    answer = messages(sim, inside=inside)
    assert find(answer, "Ack") == "Success"
    assert len(ids_of(answer)) == 60


def test_bodies_are_what_is_true(sim):
    reset(sim)
    rows = truth(sim, "messages")
    token = sim.mint()
    for start in range(0, len(rows), 10):
        asked = rows[start : start + 10]
        answer = messages(sim, token, level="ReturnMessages", inside=by_ids(*(r["MessageID"] for r in asked)))
        assert [read(each) for each in find_all(answer, "Messages/Message")] == [written(r) for r in asked]


def test_headers_are_the_bodies_without_the_text(sim):
    reset(sim)
    rows = {row["MessageID"]: row for row in truth(sim, "messages")}
    for element in find_all(messages(sim), "Messages/Message"):
        row = rows[element.findtext("{*}MessageID")]
        assert read(element) == written({k: v for k, v in row.items() if k not in ("Text", "Content")})


def test_more_than_ten_ids(sim):
    ids = all_ids(sim)
    assert len(ids_of(messages(sim, inside=by_ids(*ids[:10])))) == 10
    assert error(messages(sim, inside=by_ids(*ids[:11]))) == 37
    assert len(ids_of(messages(sim, inside=by_ids(*ids[:10], ids[0])))) == 10


def test_bodies_need_ids(sim):
    assert error(messages(sim, level="ReturnMessages")) == 10009


def test_an_id_of_nobody_is_reported_beside_the_others(sim):
    known = all_ids(sim)[0]
    answer = messages(sim, level="ReturnMessages", inside=by_ids(known, "100000000001"))
    assert find(answer, "Ack") == "PartialFailure"
    assert ids_of(answer) == [known]
    assert texts(answer, "Errors/ErrorParameters/Value") == ["100000000001"]


def test_ids_of_nobody_only(sim):
    answer = messages(sim, inside=by_ids("100000000001", "letter"))
    assert error(answer) == 20118
    assert len(find_all(answer, "Errors")) == 2


def test_an_id_of_nobody_may_be_left_out_in_silence(sim):
    sim.control("POST", "/trading", {"unknown_message": "omitted"})
    known = all_ids(sim)[0]
    answer = messages(sim, inside=by_ids(known, "100000000001"))
    assert (find(answer, "Ack"), ids_of(answer)) == ("Success", [known])
    assert find_all(messages(sim, inside=by_ids("100000000001")), "Messages") == []


def test_ids_of_another_seller_are_nobodys(sim):
    answer = messages(sim, sim.mint("outback_spares"), inside=by_ids(*all_ids(sim)[-10:]))
    assert error(answer) == 20118
    assert len(find_all(answer, "Errors")) == 10


def test_external_ids_take_precedence_on_the_us_site_only(sim):
    first, second = add(sim, count=2)
    external = find(one(sim, first), "Messages/Message/ExternalMessageID")
    inside = by_ids(external, kind="ExternalMessageID") + by_ids(second)
    assert ids_of(messages(sim, inside=inside)) == [first]
    assert ids_of(messages(sim, inside=inside, site="77")) == [second]


def test_ebays_own_messages_have_no_external_id(sim):
    assert flag(sim, add(sim, kind="ebay")[0], "ExternalMessageID") is None


def test_reading_a_body_does_not_mark_it_read(sim):
    reset(sim)
    (message_id,) = add(sim)
    one(sim, message_id, level="ReturnMessages")
    assert flag(sim, message_id, "Read") == "false"


@pytest.mark.parametrize("name", ["Read", "Flagged", "Replied"])
def test_flags_change_in_place_without_a_date(sim, name):
    reset(sim)
    (message_id,) = add(sim)
    before = read(find_all(one(sim, message_id), "Messages/Message")[0])
    sim.control("PATCH", f"/messages/{message_id}", {"seller": SELLER, name.lower(): True})
    after = read(find_all(one(sim, message_id), "Messages/Message")[0])
    assert [pair for pair in after if pair not in before] == [(name, "true")]
    sim.control("PATCH", f"/messages/{message_id}", {"seller": SELLER, name.lower(): False})
    assert read(find_all(one(sim, message_id), "Messages/Message")[0]) == before


def test_messages_are_read_as_time_goes_by(sim):
    reset(sim, messages=300)
    before = {row["MessageID"]: row for row in truth(sim, "messages")}
    advance(sim, days=3)
    after = {row["MessageID"]: row for row in truth(sim, "messages")}
    changed = [one for one in before if after[one]["Read"] != before[one]["Read"]]
    assert changed
    assert all(after[one]["ReceiveDate"] == before[one]["ReceiveDate"] for one in changed)


def test_every_message_that_was_answered_has_its_answer_among_the_sent(sim):
    reset(sim)
    rows = truth(sim, "messages")
    answers = sorted(row["Subject"] for row in rows if row["Folder"]["FolderID"] == 1)
    assert answers
    assert answers == sorted(f"Re: {row['Subject']}" for row in rows if row["Replied"])


def test_answering_by_hand(sim):
    reset(sim, messages=0)
    (message_id,) = add(sim)
    sim.control("POST", "/messages/change", {"seller": SELLER, "kind": "answer"})
    assert flag(sim, message_id, "Replied") == "true"
    sent = messages(sim, inside="<FolderID>1</FolderID>")
    assert texts(sent, "Messages/Message/Sender") == [SELLER]
    assert texts(sent, "Messages/Message/RecipientUserID") == [flag(sim, message_id, "Sender")]


def test_messages_are_gone_after_a_year(sim):
    reset(sim, messages=0)
    (message_id,) = add(sim)
    advance(sim, days=364)
    assert flag(sim, message_id, "ExpirationDate") > sim.now()
    advance(sim, days=1)
    assert find_all(messages(sim), "Messages") == []
    assert error(one(sim, message_id)) == 20118
    assert truth(sim, "messages") == []


def test_a_deleted_message_disappears(sim):
    message_id = all_ids(sim)[3]
    sim.control("DELETE", f"/messages/{message_id}?seller={SELLER}")
    assert message_id not in all_ids(sim)
    assert error(one(sim, message_id)) == 20118
    assert message_id not in [row["MessageID"] for row in truth(sim, "messages")]


def test_a_message_can_move_to_another_folder(sim):
    message_id = all_ids(sim, "<FolderID>0</FolderID>")[0]
    sim.control("PATCH", f"/messages/{message_id}", {"seller": SELLER, "folder": 11})
    assert message_id not in all_ids(sim, "<FolderID>0</FolderID>")
    assert message_id in all_ids(sim, "<FolderID>11</FolderID>")
    assert flag(sim, message_id, "Folder/FolderID") == "11"


def test_nothing_but_sent_messages_goes_to_the_sent_folder(sim):
    sent = all_ids(sim, "<FolderID>1</FolderID>")[0]
    received = all_ids(sim)[0]
    sim.control("PATCH", f"/messages/{sent}", {"seller": SELLER, "folder": 0}, status=400)
    sim.control("PATCH", f"/messages/{received}", {"seller": SELLER, "folder": 1}, status=400)


def test_summary_counts_what_the_headers_say(sim):
    reset(sim, messages=300)
    rows = truth(sim, "messages")
    answer = messages(sim, level="ReturnSummary")
    received = [row for row in rows if row["Folder"]["FolderID"] != 1]
    assert find(answer, "Summary/TotalMessageCount") == str(len(received))
    assert find(answer, "Summary/NewMessageCount") == str(sum(not row["Read"] for row in received))
    assert find(answer, "Summary/FlaggedMessageCount") == str(sum(row["Flagged"] for row in received))
    assert texts(answer, "Summary/FolderSummary/FolderID") == ["0", "1", "6", "11"]
    counts = [sum(row["Folder"]["FolderID"] == folder for row in rows) for folder in (0, 1, 6, 11)]
    assert texts(answer, "Summary/FolderSummary/TotalMessageCount") == [str(one) for one in counts]
    assert find_all(answer, "Messages") == []


def test_only_custom_folders_have_names(sim):
    answer = messages(sim, level="ReturnSummary")
    assert texts(answer, "Summary/FolderSummary/FolderName") == ["Wholesale", "Rückfragen & Lob"]


def test_item_and_buyer_link_a_message_to_its_order(sim):
    order = sim.control("GET", f"/truth/orders?seller={SELLER}&limit=1")["orders"][0]
    (message_id,) = add(sim, order_id=order["orderId"])
    assert flag(sim, message_id, "Sender") == order["buyer"]["username"]
    assert flag(sim, message_id, "ItemID") in [line["legacyItemId"] for line in order["lineItems"]]
    assert order["orderId"] not in one(sim, message_id, level="ReturnMessages").text


def test_high_priority_only(sim):
    reset(sim, messages=300)
    asked = "<IncludeHighPriorityMessageOnly>true</IncludeHighPriorityMessageOnly>"
    known = [row["MessageID"] for row in truth(sim, "messages") if row["HighPriority"]]
    assert 1 < len(known) < 60
    assert sorted(all_ids(sim, asked, entries=3)) == sorted(known)


def test_texts_are_as_wild_as_in_life(sim):
    reset(sim, messages=300)
    bodies = [row["Text"] for row in truth(sim, "messages")]
    for mark in ("<script>", "<style>", 'width="1" height="1"', "onload=", "javascript:", "&#x1F4E6;"):
        assert any(mark in text for text in bodies), mark
    assert max(len(text) for text in bodies) > 30_000
    assert any("<" not in text for text in bodies)
    assert all("<script" not in row["Content"] for row in truth(sim, "messages"))


def test_some_texts_are_cdata_and_some_are_escaped(sim):
    reset(sim, messages=300)
    token, ids = sim.mint(), all_ids(sim)
    raw = "".join(
        messages(sim, token, level="ReturnMessages", inside=by_ids(*ids[start : start + 10])).text
        for start in range(0, len(ids), 10)
    )
    assert "<Text><![CDATA[" in raw
    assert "<Text>&lt;!DOCTYPE html&gt;" in raw
    assert "]]]]><![CDATA[>" in raw


def test_a_text_by_hand_arrives_as_it_is(sim):
    wild = '<p onclick="x()">Grüße &amp; 🎸 ]]> </p>\n'
    (message_id,) = add(sim, overrides={"Text": wild, "Subject": "A & B"})
    answer = one(sim, message_id, level="ReturnMessages")
    assert find(answer, "Messages/Message/Text") == wild
    assert flag(sim, message_id, "Subject") == "A & B"
    assert flag(sim, message_id, "Text") is None


@pytest.mark.parametrize(
    "overrides", [{"Text": "\x00"}, {"a b": "c"}, {"MessageID": "1"}, {"Text": {"x": ["\ud800"]}}]
)
def test_overrides_must_be_possible_in_xml(sim, overrides):
    sim.control("POST", "/messages", {"seller": SELLER, "overrides": overrides}, status=400)
    assert len(all_ids(sim)) == 60


def test_the_newest_message_alone_is_one_element(sim):
    reset(sim, messages=0)
    add(sim)
    root = etree.fromstring(messages(sim).content)
    assert len(root.findall(".//{*}Message")) == 1


def test_messages_arrive_at_the_rate_of_the_clock(sim):
    reset(sim, messages=5, messages_per_minute=0.5)
    assert len(all_ids(sim)) == 5
    now = advance(sim, hours=1)
    found = messages(sim, inside=pagination(200))
    assert len(ids_of(found)) == 35
    assert max(texts(found, "Messages/Message/ReceiveDate")) <= now


def test_the_same_seed_gives_the_same_mailbox(sim):
    reset(sim, seed=5)
    first = [row["Subject"] for row in truth(sim, "messages")]
    reset(sim, seed=6)
    other = [row["Subject"] for row in truth(sim, "messages")]
    reset(sim, seed=5)
    assert [row["Subject"] for row in truth(sim, "messages")] == first != other


def test_deleting_while_somebody_pages_hides_a_message_from_the_pass(sim):
    reset(sim)
    sim.control("POST", "/messages/drift", {"seller": SELLER, "per_page": 1, "kind": "delete", "pages": 1})
    found = set(all_ids(sim))
    left = {row["MessageID"] for row in truth(sim, "messages") if row["Folder"]["FolderID"] != 1}
    assert len(left) == 59
    assert len(left - found) == 1


def test_arrivals_while_somebody_pages_show_a_message_twice(sim):
    reset(sim)
    sim.control("POST", "/messages/drift", {"per_page": 2, "kind": "arrive", "pages": 1})
    found = all_ids(sim)
    assert len(found) - len(set(found)) == 2


def test_drift_ends(sim):
    reset(sim)
    sim.control("POST", "/messages/drift", {"per_page": 3})
    sim.control("POST", "/messages/drift", {"per_page": 0})
    assert len(all_ids(sim)) == 60


def test_drift_of_one_list_leaves_the_others_alone(sim):
    reset(sim)
    sim.control("POST", "/messages/drift", {"per_page": 3, "kind": "delete"})
    post(sim, sim.mint(), call="GetMyeBaySelling", inside="<ActiveList/>")
    assert len(truth(sim, "messages")) >= 60
    before = len(truth(sim, "messages"))
    messages(sim)
    assert len(truth(sim, "messages")) == before - 3
