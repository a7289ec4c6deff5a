"""Trading's XML becomes plain values, whatever it is, safely."""

from __future__ import annotations

import socket
import time
import tracemalloc
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebayconnector.ebay.trading_xml import Records, read_records

from .trading_answers import envelope

LISTED = frozenset({"Variation", "Value"})
RECORDS = Records(("List", "Array", "Item"), LISTED)


def items(inner: str, *, records: Records = RECORDS) -> list[dict]:
    return read_records(envelope("X", f"<List><Array>{inner}</Array><Total>3</Total></List>"), records)[1]


def item(inner: str) -> dict:
    (found,) = items(f"<Item>{inner}</Item>")
    return found


def test_elements_become_texts_and_objects():
    assert item("<ItemID>11</ItemID><A><B>x &amp; ü</B><C><![CDATA[<p>&]]></C></A>") == {
        "ItemID": "11",
        "A": {"B": "x & ü", "C": "<p>&"},
    }


def test_an_amount_has_its_currency():
    assert item('<Price currencyID="EUR">1.50</Price>') == {"Price": {"value": "1.50", "currency": "EUR"}}


def test_other_attributes_stay_beside_the_value_or_the_children():
    inner = '<Q unit="kg">2</Q><D measure="English"><Depth>1</Depth></D><E unit="x"/>'
    assert item(inner) == {
        "Q": {"value": "2", "unit": "kg"},
        "D": {"measure": "English", "Depth": "1"},
        "E": {"value": "", "unit": "x"},
    }


def test_schema_attributes_say_nothing():
    inner = '<A xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="T">1</A>'
    assert item(inner) == {"A": "1"}


@pytest.mark.parametrize("count", [1, 2, 3])
def test_what_may_repeat_is_a_list_even_of_one(count):
    inner = "".join(f"<Variation><SKU>{n}</SKU></Variation>" for n in range(count))
    found = item(f"<Variations>{inner}</Variations>")
    assert found == {"Variations": {"Variation": [{"SKU": str(n)} for n in range(count)]}}


def test_what_repeats_unexpectedly_is_not_lost():
    assert item("<A>1</A><B>x</B><A>2</A><A>3</A>") == {"A": ["1", "2", "3"], "B": "x"}


@pytest.mark.parametrize("empty", ["<A/>", "<A></A>", "<A>\n </A>", "<A><B/></A>", "<!-- A --><?x y?>"])
def test_an_empty_element_is_as_good_as_none(empty):
    assert item(f"{empty}<C>1</C>") == {"C": "1"}


def test_white_space_around_a_text_stays():
    assert item("<Title> a  b </Title>") == {"Title": " a  b "}


def test_records_are_found_by_their_whole_path():
    root, found = read_records(
        envelope("X", "<Item><ItemID>no</ItemID></Item><List><Array><Item><ItemID>yes</ItemID><Item>in</Item>"
                      "</Item></Array></List><Other><Array><Item><ItemID>no</ItemID></Item></Array></Other>"),
        RECORDS,
    )  # fmt: skip
    assert found == [{"ItemID": "yes", "Item": "in"}]
    assert root.findtext("Item/ItemID") == "no"


def test_the_rest_of_the_answer_stays_a_tree_without_records():
    body = envelope(
        "X", "<List><Array><Item><A>1</A></Item><Item><A>2</A></Item></Array><Total>3</Total></List>"
    )
    root, found = read_records(body, RECORDS)
    assert (root.tag, root.findtext("Ack"), root.findtext("List/Total")) == ("XResponse", "Success", "3")
    assert len(found) == 2
    assert list(root.iter("A")) == []


def test_without_records_there_are_none():
    assert items("") == []
    assert read_records(envelope("X", ""), RECORDS)[1] == []


def test_a_record_that_is_no_object_is_an_empty_one():
    assert items("<Item>text</Item><Item/>") == [{}, {}]


def bomb(levels: int = 12) -> str:
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, levels))
    return f'<!DOCTYPE X [<!ENTITY a0 "lollollol">{entities}]>'


BIG = f'<!DOCTYPE X [<!ENTITY a "{"x" * 200_000}">]>'
FILE = '<!DOCTYPE X [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
LIST = "<X><List><Array>{}</Array></List></X>"


@pytest.mark.parametrize(
    "body",
    [
        bomb() + LIST.format("<Item>&a11;</Item>"),
        bomb() + LIST.format('<Item a="&a11;"/>'),
        BIG + LIST.format('<Item a="&a;"/>' * 3000),
        BIG + LIST.format("<Item>&a;</Item>" * 3000),
        FILE + LIST.format("<Item>&a;</Item>"),
        '<!DOCTYPE X SYSTEM "http://127.0.0.1:9/x.dtd"><X/>',
        "<!DOCTYPE X>" + LIST.format("<Item><A>1</A></Item>"),
        "<A>" * 100_000 + "</A>" * 100_000,
        LIST.format("<Item>" + "<A>" * 300 + "</A>" * 300 + "</Item>"),
        LIST.format(f"<Item><A>{'x' * 11_000_000}</A></Item>"),
        LIST.format("<Item>&nbsp;</Item>"),
        LIST.format("<Item>")[:-4],
        "",
        "Service unavailable",
    ],
    ids=["laughs", "laughs in an attribute", "quadratic in attributes", "quadratic", "file", "dtd", "doctype",
         "deep", "deep record", "huge text", "unknown entity", "cut", "empty", "text"],
)  # fmt: skip
def test_what_is_no_harmless_xml_is_refused_at_once(body):
    encoded = body.encode()
    tracemalloc.start()
    began = time.perf_counter()
    try:
        with pytest.raises(ValueError) as refused:
            read_records(encoded, RECORDS)
        assert tracemalloc.get_traced_memory()[1] < 3 * len(encoded) + 5_000_000
    finally:
        tracemalloc.stop()
    assert time.perf_counter() - began < 5
    assert str(refused.value) in ("not XML", "XML with a DOCTYPE")


def test_nothing_is_fetched_for_a_document():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/x"
        listening.setblocking(False)
        for head in (
            f'<!DOCTYPE X SYSTEM "{address}.dtd">',
            f'<!DOCTYPE X [<!ENTITY a SYSTEM "{address}.txt">]>',
            f'<!DOCTYPE X [<!ENTITY % a SYSTEM "{address}.ent"> %a;]>',
            f'<?xml-stylesheet href="{address}.xsl"?><!DOCTYPE X>',
        ):
            with pytest.raises(ValueError, match="DOCTYPE|not XML"):
                read_records((head + LIST.format("<Item>&a;</Item>")).encode(), RECORDS)
        with pytest.raises(BlockingIOError):
            listening.accept()


def test_a_doctype_is_seen_in_any_encoding():
    body = '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE X><X/>'.encode("utf-16")
    with pytest.raises(ValueError, match="DOCTYPE"):
        read_records(body, RECORDS)


def test_of_many_records_only_a_few_at_once_are_there_as_elements(monkeypatch):
    from ebayconnector.ebay import trading_xml

    most = 0

    def counted(element, repeating, original=trading_xml._record):
        nonlocal most
        most = max(most, sum(1 for _ in element.getparent().iter("{*}A")))
        return original(element, repeating)

    monkeypatch.setattr(trading_xml, "_record", counted)
    assert len(items(f"<Item><A>1</A><B>{'x' * 2000}</B></Item>" * 1000)) == 1000
    assert 0 < most < 40


names = st.sampled_from(["A", "B", "Item", "Array", "Value", "Variation"])
texts = st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"), max_size=8)
elements = st.recursive(
    st.builds(
        lambda name, text, unit: f"<{name} u={quoteattr(unit)}>{escape(text)}</{name}>", names, texts, texts
    ),
    lambda inner: st.builds(
        lambda name, parts: f"<{name}>{''.join(parts)}</{name}>", names, st.lists(inner, max_size=3)
    ),
    max_leaves=8,
)


def lists_are_lists(value) -> bool:
    if isinstance(value, list):
        return all(map(lists_are_lists, value))
    if not isinstance(value, dict):
        return isinstance(value, str)
    return all(
        lists_are_lists(inner) and (name not in LISTED or isinstance(inner, list))
        for name, inner in value.items()
    )


@given(st.lists(elements, max_size=4))
def test_whatever_a_record_holds_it_becomes_plain_values(parts):
    (found,) = items(f"<Item>{''.join(parts)}</Item>")
    assert lists_are_lists(found)


@given(st.binary(max_size=60), st.integers(0, 400))
def test_whatever_bytes_come_they_are_read_or_refused(junk, at):
    whole = envelope("X", "<List><Array><Item><A>1</A></Item></Array></List>")
    for body in (junk, whole[:at] + junk + whole[at:], whole[:at] + junk):
        try:
            read_records(body, RECORDS)
        except ValueError as refused:
            assert str(refused) in ("not XML", "XML with a DOCTYPE")
