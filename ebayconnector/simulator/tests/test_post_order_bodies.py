"""What Post-Order searches and details say, against 03 §7 and the orders that they are about."""

import pytest

from ebayconnector.simulator.times import parse_iso

from .troubles import FAMILIES, ID_NAMES, Troubles, created, refused, troubled

ALL = pytest.mark.parametrize("family", FAMILIES)


@pytest.fixture
def caller(sim):
    return troubled(sim)


def test_ids_are_numbers_in_searches_and_texts_in_details(caller):
    for family, names in (("case", ("caseId",)), ("inquiry", ("inquiryId",))):
        row = caller.members(family)[0]
        detail = caller.detail(family, row[names[0]]).json()
        for name in (*names, "itemId", "transactionId"):
            assert type(row[name]) is int
            assert detail[name] == str(row[name])
    row = caller.members("return")[0]
    assert type(row["returnId"]) is str
    assert type(row["creationInfo"]["item"]["itemId"]) is str


@ALL
def test_details_and_summaries_are_those_of_the_truth(caller, family):
    truth = {row["id"]: row for row in caller.truth(family)}
    for row in caller.members(family):
        expected = truth[str(row[ID_NAMES[family]])]
        assert row == expected["summary"]
        answer = caller.detail(family, expected["id"]).json()
        assert answer == ({"detail": expected["detail"]} if family == "return" else expected["detail"])


def dates_in(value):
    if isinstance(value, dict):
        if "formattedValue" in value:
            yield value["value"]
        for below in value.values():
            yield from dates_in(below)
    elif isinstance(value, list):
        for below in value:
            yield from dates_in(below)


@ALL
def test_dates_are_objects_of_whole_seconds(caller, family):
    row = caller.truth(family)[0]
    found = list(dates_in(row["summary"])) + list(dates_in(row["detail"]))
    assert len(found) >= 4
    assert all(day.endswith(".000Z") and parse_iso(day) for day in found)
    assert not [text for text in texts_in([row["summary"], row["detail"]]) if parse_iso(text)]


def texts_in(value):
    """Texts that stand in no date object."""
    if isinstance(value, dict):
        for below in value.values() if "formattedValue" not in value else ():
            yield from texts_in(below)
    elif isinstance(value, list):
        for below in value:
            yield from texts_in(below)
    elif isinstance(value, str):
        yield value


def test_amounts_are_numbers(caller):
    for family in ("case", "inquiry"):
        row = caller.members(family)[0]
        assert type(row["claimAmount"]["value"]) is float
        assert row["claimAmount"]["currency"] == "GBP"
    refund = caller.members("return")[0]["sellerTotalRefund"]
    assert type(refund["estimatedRefundAmount"]["value"]) is float


def test_case_and_inquiry_rows_name_neither_order_nor_type(caller):
    for family in ("case", "inquiry"):
        rows = caller.members(family)
        assert not {"orderId", "caseType"} & {name for row in rows for name in row}


@ALL
@pytest.mark.parametrize("seller", ["northwind_parts", "mueller_technik"])
def test_every_trouble_is_about_a_line_of_an_order(caller, family, seller):
    caller = Troubles(caller.sim, seller)
    orders = {row["orderId"]: row for row in caller.sim.truth(seller)}
    for row in caller.truth(family):
        order = orders[row["orderId"]]
        line = next(line for line in order["lineItems"] if line["lineItemId"] == row["lineItemId"])
        item = row["summary"].get("creationInfo", {}).get("item", row["summary"])
        assert (str(item["itemId"]), str(item["transactionId"])) == (line["legacyItemId"], line["lineItemId"])
        assert created(row["summary"]) > order["creationDate"]
        assert order["buyer"]["username"] in (
            row["summary"].get("buyer"),
            row["summary"].get("buyerLoginName"),
        )
        if "legacyOrderId" in order and order["lineItems"][0] == line:
            assert order["legacyOrderId"] == f"{item['itemId']}-{item['transactionId']}"


def test_fieldgroups_of_a_return_exclude_each_other(caller):
    row = caller.members("return")[0]
    number = row["returnId"]
    assert set(caller.detail("return", number).json()) == {"detail"}
    assert set(caller.detail("return", number, fieldgroups="FULL").json()) == {"detail"}
    assert caller.detail("return", number, fieldgroups="SUMMARY").json() == {"summary": row}
    refused(caller.detail("return", number, fieldgroups="NONE"), 400, 1105)


def test_change_dates_are_where_ebay_has_them(caller):
    for row in caller.truth("case"):
        assert row["detail"]["lastModifiedDate"] == row["summary"]["lastModifiedDate"]
        history = row["detail"]["caseHistoryDetails"]["history"]
        assert history[-1]["date"] == row["summary"]["lastModifiedDate"]
    for row in caller.truth("inquiry"):
        assert "lastModifiedDate" not in row["detail"]
        history = row["detail"]["inquiryHistoryDetails"]["history"]
        assert history[-1]["date"] == row["summary"]["lastModifiedDate"]
    for row in caller.truth("return"):
        assert "lastModifiedDate" not in row["summary"]
        assert "lastModifiedDate" not in row["detail"]
        assert (
            row["detail"]["responseHistory"][0]["creationDate"]
            == row["summary"]["creationInfo"]["creationDate"]
        )
