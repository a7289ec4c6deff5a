"""Sealed secrets open only with the right key, in the right place, and never show themselves."""

from __future__ import annotations

import base64
import dataclasses
import os
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokens import sealing
from tokens.sealing import Binding, CannotOpen, KeyRing, KeyRingError, UnknownKey

OLD, NEW = bytes(range(32)), bytes(range(100, 132))
HERE = Binding("refresh_token", "production", "user-1", 7)
TOKEN = "v^1.1#i^1#canary-secret-0123456789"

texts = st.text(st.characters(exclude_categories=["Cs"]))


@given(texts)
def test_what_was_sealed_opens(value):
    ring = KeyRing([NEW])
    assert ring.open(ring.seal(value, HERE), HERE) == value


def test_the_form_names_version_and_key():
    sealed = KeyRing([NEW]).seal(TOKEN, HERE)
    assert sealed.startswith(f"enc:v1:{sealing.key_id(NEW)}:")
    assert TOKEN not in sealed


def test_the_same_value_is_never_sealed_the_same_way():
    ring = KeyRing([NEW])
    assert ring.seal(TOKEN, HERE) != ring.seal(TOKEN, HERE)


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"field": "access_token"},
        {"environment": "sandbox"},
        {"ebay_user_id": "user-2"},
        {"account_id": 8},
    ],
    ids=lambda change: next(iter(change)),
)
def test_moved_elsewhere_it_does_not_open(elsewhere):
    ring = KeyRing([NEW])
    sealed = ring.seal(TOKEN, HERE)
    with pytest.raises(CannotOpen):
        ring.open(sealed, dataclasses.replace(HERE, **elsewhere))


@given(st.tuples(texts, texts, texts, st.integers()), st.tuples(texts, texts, texts, st.integers()))
def test_different_places_have_different_bindings(one, other):
    # Field, environment and account id are ours and hold no separator; what eBay calls a user may.
    one, other = (
        Binding(place[0].replace("\x1f", ""), place[1].replace("\x1f", ""), place[2], place[3])
        for place in (one, other)
    )
    assert (one.encoded() == other.encoded()) == (one == other)


def test_an_unknown_key_is_named_as_such():
    with pytest.raises(UnknownKey) as failure:
        KeyRing([NEW]).open(KeyRing([OLD]).seal(TOKEN, HERE), HERE)
    assert failure.value.key_id == sealing.key_id(OLD)


def test_a_key_that_claims_anothers_id_does_not_open():
    ring = KeyRing([NEW])
    sealed = KeyRing([OLD]).seal(TOKEN, HERE).replace(sealing.key_id(OLD), ring.newest_id)
    with pytest.raises(CannotOpen) as failure:
        ring.open(sealed, HERE)
    assert not isinstance(failure.value, UnknownKey)


@pytest.mark.parametrize(
    "stored",
    [
        "",
        TOKEN,
        f"ENC:v1:{TOKEN}",
        f"enc:v1:{TOKEN}",
        f"enc:v1:{TOKEN}:x",
        "enc:v1:",
        "enc:v1::",
        "enc:v2:a:b",
    ],
)
def test_what_is_not_sealed_never_opens_and_is_never_quoted(stored):
    with pytest.raises(CannotOpen) as failure:
        KeyRing([NEW]).open(stored, HERE)
    assert "v^1" not in str(failure.value)


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_one_changed_byte_does_not_open(where, by):
    ring = KeyRing([NEW])
    head, _, encoded = ring.seal(TOKEN, HERE).rpartition(":")
    raw = bytearray(base64.b64decode(encoded))
    raw[where % len(raw)] ^= by
    with pytest.raises(CannotOpen):
        ring.open(f"{head}:{base64.b64encode(raw).decode()}", HERE)


@given(st.integers(min_value=0))
def test_a_cut_value_does_not_open(length):
    ring = KeyRing([NEW])
    sealed = ring.seal(TOKEN, HERE)
    with pytest.raises(CannotOpen):
        ring.open(sealed[: length % len(sealed)], HERE)


def test_the_newest_key_seals_and_all_open():
    before, rotated = KeyRing([OLD]), KeyRing([NEW, OLD])
    assert rotated.open(before.seal(TOKEN, HERE), HERE) == TOKEN
    assert rotated.seal(TOKEN, HERE).split(":")[2] == sealing.key_id(NEW)
    assert rotated.newest_id == sealing.key_id(NEW)


def test_fingerprints_tell_key_rings_apart_also_by_order():
    rings = [KeyRing([OLD]), KeyRing([NEW]), KeyRing([NEW, OLD]), KeyRing([OLD, NEW])]
    assert len({ring.fingerprint for ring in rings}) == 4
    assert KeyRing([NEW, OLD]).fingerprint == rings[2].fingerprint


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ([], "no key"),
        ([base64.b64encode(b"k" * 32).decode()], "weak"),
        ([base64.b64encode(bytes(range(31))).decode()], "31 bytes"),
        ([base64.b64encode(bytes(range(64))).decode()], "64 bytes"),
        (["not base64 at all!"], "not base64"),
        (["clé-secrète-éééé"], "not base64"),
        (["", base64.b64encode(NEW).decode()], "0 bytes"),
    ],
)
def test_unusable_keys_are_refused_with_a_reason(keys, why):
    with pytest.raises(KeyRingError, match=why):
        KeyRing.from_settings(keys)


def test_the_second_key_is_checked_too():
    with pytest.raises(KeyRingError, match="key 2"):
        KeyRing.from_settings([base64.b64encode(NEW).decode(), "short"])


def test_both_alphabets_of_base64_name_the_same_key():
    key = bytes([251, 255] * 3 + list(range(26)))
    plain, url = base64.b64encode(key).decode(), base64.urlsafe_b64encode(key).decode()
    assert plain != url
    assert KeyRing.from_settings([plain]).newest_id == KeyRing.from_settings([url]).newest_id


@given(st.binary(min_size=1, max_size=80))
def test_a_refused_key_is_never_shown(key):
    word = base64.b64encode(os.urandom(4) + key).decode()
    try:
        ring = KeyRing.from_settings([word])
    except KeyRingError as failure:
        shown = "".join(traceback.format_exception(failure)) + repr(failure)
        assert word not in shown
    else:
        assert word not in repr(ring) + ring.fingerprint + ring.newest_id


@given(st.text(st.characters(categories=["L", "N"]), min_size=12))
def test_no_secret_in_any_exception(secret):
    ring, other = KeyRing([NEW]), dataclasses.replace(HERE, account_id=1)
    for stored in (secret, f"ENC:v1:{secret}", f"enc:v1:{secret}:{secret}", ring.seal(secret, HERE)):
        with pytest.raises(CannotOpen) as failure:
            ring.open(stored, other)
        assert secret not in "".join(traceback.format_exception(failure.value)) + repr(failure.value)


def test_text_that_cannot_be_stored_is_refused_without_quoting_it():
    with pytest.raises(ValueError, match="not text") as failure:
        KeyRing([NEW]).seal(f"{TOKEN}\ud800", HERE)
    assert "canary" not in repr(failure.value)
    assert failure.value.__cause__ is None
    assert failure.value.__suppress_context__


def test_the_ring_follows_the_setting(settings):
    settings.TOKEN_ENCRYPTION_KEYS = [base64.b64encode(NEW).decode()]
    assert sealing.key_ring().newest_id == sealing.key_id(NEW)
    settings.TOKEN_ENCRYPTION_KEYS = []
    with pytest.raises(KeyRingError):
        sealing.key_ring()
