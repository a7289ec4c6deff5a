"""JSON and XML as eBay writes them: what is taken, and that nothing refused is quoted."""

from __future__ import annotations

import pytest

from ebayconnector.ebay.documents import parse_json, parse_json_members, parse_xml

SECRET = "v^1.1#a-token"


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": [1, 2.5, null, true]}', {"a": [1, 2.5, None, True]}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'{"a": "\\ud800"}', {"a": "\ud800"}),
        ('"text"', "text"),
    ],
)
def test_json_is_taken_as_it_comes(body, value):
    assert parse_json(body) == value


@pytest.mark.parametrize("body", [b"", b"{", b"<html>", b'{"a": NaN}', b'{"a": "\xff"}', b"[" * 100_000])
def test_what_is_no_json_is_not_quoted(body):
    with pytest.raises(ValueError, match="not JSON") as refused:
        parse_json(body + SECRET.encode())
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    "body",
    [
        b'{"buyer": {"name": "A"}, "other": 1, "steps": []}',
        # What the quick reading refuses, in a member that is wanted, and in one that is not.
        b'{"buyer": {"name": "A"}, "other": "\\ud800", "steps": []}',
        b'\xef\xbb\xbf{"buyer": {"name": "A"}, "other": {"n": 1}, "steps": []}',
    ],
)
def test_of_an_object_only_the_members_that_are_wanted(body):
    found = parse_json_members(body, ["steps", "buyer", "missing"])
    assert found == {"buyer": {"name": "A"}, "steps": []}


def test_a_member_with_half_a_character_is_read_all_the_same():
    assert parse_json_members(b'{"buyer": "\\ud800", "n": 1}', ["buyer"]) == {"buyer": "\ud800"}


@pytest.mark.parametrize("body", [b"[1]", b'"a"', b"null"])
def test_what_is_no_object_has_no_members(body):
    with pytest.raises(ValueError, match="not a JSON object"):
        parse_json_members(body, ["a"])


@pytest.mark.parametrize(
    "body", [b"", b"<a>", b'<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>', b"<!DOCTYPE a><a/>"]
)
def test_xml_with_a_doctype_is_refused_like_what_is_no_xml(body):
    with pytest.raises(ValueError, match="XML"):
        parse_xml(body)


def test_elements_lose_their_namespaces():
    root = parse_xml(b'<a xmlns="urn:ebay"><!-- c --><b x="1">2</b></a>')
    assert [(element.tag, element.text) for element in root.iter()] == [("a", None), ("b", "2")]
