from __future__ import annotations

import copy
import json
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncworkers.services.payloads import document, storable_evidence, with_withheld

SHIP_TO = ("instructions", "*", "step", "shipTo")
texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=5)
wild_texts = st.text(st.characters(), max_size=5) | st.sampled_from(["\x00", "a\ud800b", "\\u0000", "\udfff"])


def json_values(strings):
    leaves = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | strings
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(strings, inner, max_size=3),
        max_leaves=12,
    )


payloads = st.dictionaries(texts, json_values(texts), max_size=4)
wild_payloads = st.dictionaries(wild_texts, json_values(wild_texts), max_size=4)


def strings_in(value):
    if isinstance(value, str):
        yield value
    for inner in value if isinstance(value, list) else value.items() if isinstance(value, dict) else ():
        yield from strings_in(list(inner) if isinstance(inner, tuple) else inner)


def storable(value) -> bool:
    """PostgreSQL's text and jsonb take it: no U+0000, and it can be UTF-8."""
    return not re.search("[\x00\ud800-\udfff]", "".join(strings_in(value)))


@given(wild_payloads)
def test_what_is_cleaned_can_be_stored(payload):
    stored = document(payload, ())
    assert storable(stored.payload)
    assert json.loads(stored.encoded) == stored.payload
    assert (stored.replaced == 0) == (stored.payload == payload)


@given(payloads)
def test_nothing_is_cleaned_that_can_be_stored(payload):
    stored = document(payload, ())
    assert (stored.payload, stored.replaced) == (payload, 0)


def test_keys_and_nested_texts_are_cleaned_and_counted():
    stored = document({"a\x00": ["\ud800x", {"b": "\x00\x00"}], "n": 1}, ())
    assert stored.payload == {"a�": ["�x", {"b": "��"}], "n": 1}
    assert stored.replaced == 4


@given(wild_payloads)
def test_evidence_of_anything_can_be_stored(payload):
    assert storable(storable_evidence(payload))


def test_evidence_is_valid_json_whatever_the_numbers():
    assert storable_evidence([math.inf, {"n": 10**40}]) == [None, {"n": 10**40}]


def content_hash(payload, volatile_paths):
    return document(payload, volatile_paths).digest


@given(payloads)
def test_the_hash_does_not_know_the_order_of_keys(payload):
    turned = dict(reversed(list(payload.items())))
    assert content_hash(payload, ()) == content_hash(turned, ())
    assert len(content_hash(payload, ())) == 16


@given(payloads, payloads)
def test_different_contents_have_different_hashes(one, other):
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (content_hash(one, ()) == content_hash(other, ())) == same


def test_volatile_parts_are_not_in_the_hash_but_in_the_payload():
    one = {"id": 1, "lines": [{"seen": 1, "sku": "A"}], "at": "now"}
    other = {"id": 1, "lines": [{"seen": 2, "sku": "A"}], "at": "later"}
    volatile = (("at",), ("lines", "*", "seen"), ("nowhere", "*"))
    before = copy.deepcopy(one)
    assert content_hash(one, volatile) == content_hash(other, volatile)
    assert content_hash(one, ()) != content_hash(other, ())
    assert one == before
    other["lines"][0]["sku"] = "B"
    assert content_hash(one, volatile) != content_hash(other, volatile)


@given(payloads)
def test_a_value_that_ebay_withholds_stays(buyer):
    stored = {"buyer": buyer, "status": "PAID"}
    for withheld in ({}, {"buyer": None}, {"buyer": {}}, {"buyer": dict.fromkeys(buyer)}):
        filled = with_withheld({"status": "SHIPPED", **withheld}, stored, (("buyer",),))
        assert filled["status"] == "SHIPPED"
        if buyer:
            assert filled["buyer"] == buyer


@given(st.dictionaries(texts, texts.filter(bool), min_size=1), payloads)
def test_a_new_value_wins(new, old):
    filled = with_withheld({"buyer": new}, {"buyer": old}, (("buyer",),))
    assert filled["buyer"] == {**old, **new}


@given(payloads, payloads)
def test_nothing_outside_the_withheld_paths_changes(new, old):
    filled = with_withheld(new, old, (("buyer",),))
    assert {k: v for k, v in filled.items() if k != "buyer"} == {k: v for k, v in new.items() if k != "buyer"}


def address(**values):
    return {"instructions": [{"type": "SHIP_TO", "step": {"carrier": "USPS", "shipTo": values}}]}


def test_an_address_in_a_list_stays_field_by_field():
    stored = address(name="Ann", city="Bonn", zip="1")
    filled = with_withheld(address(city="Köln"), stored, (SHIP_TO,))
    assert filled == address(name="Ann", city="Köln", zip="1")


@pytest.mark.parametrize("missing", [{}, {"addressLine2": None}, {"addressLine2": ""}])
def test_of_another_address_nothing_is_filled_in(missing):
    """Else a parcel goes to a flat in the wrong house."""
    old = {"addressLine1": "Main St 1", "addressLine2": "Apt 5", "city": "Boston"}
    new = {"addressLine1": "Elm Rd 9", "city": "Denver", **missing}
    stored = address(name="Ann", contactAddress=old, phone="1")
    filled = with_withheld(address(name="Ann", contactAddress=new), stored, (SHIP_TO,))
    assert filled == address(name="Ann", contactAddress=new, phone="1")


HOME = {"addressLine1": "Altweg 1", "city": "Bonn", "countryCode": "DE"}
OLD_HOME = {"fullName": "Anna Alt", "companyName": "Alt GmbH", "email": "a@x", "contactAddress": HOME}


def test_another_person_gets_nothing_of_the_one_before():
    new = {"fullName": "Bert Neu", "contactAddress": {**HOME, "addressLine1": "Neuweg 9"}}
    assert with_withheld(address(**new), address(**OLD_HOME), (SHIP_TO,)) == address(**new)


@pytest.mark.parametrize(
    "new", [{"fullName": "Anna Alt"}, {"fullName": "A*** A***"}, {"companyName": "Neu AG"}]
)
def test_a_person_without_an_address_is_the_one_before_with_a_part_withheld(new):
    filled = with_withheld(address(**new), address(**OLD_HOME), (SHIP_TO,))
    assert filled == address(**{**OLD_HOME, **new})


def test_of_another_tax_address_nothing_is_filled_in():
    old = {"taxAddress": {"city": "Bonn", "stateOrProvince": "NRW", "countryCode": "DE"}}
    new = {"taxAddress": {"city": "Paris", "countryCode": "FR"}}
    assert with_withheld({"buyer": new}, {"buyer": old}, (("buyer",),)) == {"buyer": new}


@pytest.mark.parametrize("new", [{"city": "Boston"}, {"addressLine1": "", "city": "Boston"}, {}, None])
def test_what_is_withheld_of_an_address_stays(new):
    old = {"addressLine1": "Main St 1", "addressLine2": "Apt 5", "city": "Boston"}
    filled = with_withheld(address(contactAddress=new), address(contactAddress=old), (SHIP_TO,))
    assert filled == address(contactAddress=old)


def test_a_withheld_parent_does_not_take_the_address_along():
    stored = address(name="Ann")
    new = {"instructions": [{"type": "PICKUP"}]}
    filled = with_withheld(new, stored, (SHIP_TO,))
    assert filled == {"instructions": [{"type": "PICKUP", "step": {"shipTo": {"name": "Ann"}}}]}
    assert new == {"instructions": [{"type": "PICKUP"}]}


def test_a_missing_parent_is_not_invented():
    new = {"instructions": [{"type": "PICKUP"}]}
    assert with_withheld(new, {"instructions": [{"step": {}}]}, (SHIP_TO,)) == new
    assert with_withheld(new, {}, (SHIP_TO, ("buyer",))) == new


def test_a_list_that_ebay_empties_keeps_its_addresses():
    stored = address(name="Ann")
    assert with_withheld({"instructions": []}, stored, (SHIP_TO,)) == stored


def test_lists_of_different_length_are_not_guessed_at():
    new = {"instructions": [{"step": {}}, {"step": {}}]}
    assert with_withheld(new, address(name="Ann"), (SHIP_TO,)) == new
    assert with_withheld({}, address(name="Ann"), (SHIP_TO,)) == address(name="Ann")
