"""The form of a key: what is told from a typing error without a look-up."""

import re
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.core.keys import MAX_KEY, PREFIX, digest, format_key, hint, well_formed

SECRET = st.binary(min_size=32, max_size=32)
BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@given(SECRET)
def test_a_key_of_ours_is_well_formed(secret):
    """Prefix, 43 digits, 6 digits of checksum: letters and digits that a double click selects."""
    key = format_key(secret)

    assert re.fullmatch("ah_[0-9A-Za-z]{49}", key)
    assert well_formed(key)


@given(SECRET, SECRET)
def test_keys_differ_as_their_secrets_do(one, other):
    """No two secrets share a key, and no key loses a bit of its secret."""
    assert (format_key(one) == format_key(other)) == (one == other)


@given(SECRET, st.data())
def test_any_changed_character_is_caught(secret, data):
    """One character mistyped, wherever it stands, is no key; without the prefix it is foreign."""
    key = format_key(secret)
    at = data.draw(st.integers(0, len(key) - 1))
    other = data.draw(st.sampled_from(BASE62 + "_-").filter(lambda one: one != key[at]))
    changed = key[:at] + other + key[at + 1 :]

    assert well_formed(changed) == (at < len(PREFIX))


def test_every_single_change_of_one_key_is_caught():
    """All 49 digits against all others: none of 2,989 neighbours passes."""
    key = format_key(bytes(range(32)))
    neighbours = (
        key[:at] + other + key[at + 1 :]
        for at in range(len(PREFIX), len(key))
        for other in BASE62
        if other != key[at]
    )

    assert not any(map(well_formed, neighbours))


@pytest.mark.parametrize("key", ["test", "sk-anything", "a" * MAX_KEY, "x y"])
def test_foreign_keys_may_exist(key):
    """Without our prefix there is no checksum to verify."""
    assert well_formed(key)


@pytest.mark.parametrize(
    "key", ["", "a" * (MAX_KEY + 1), "ключ", "line\nbreak", "nul\0", PREFIX, PREFIX + "0" * 49]
)
def test_what_cannot_be_a_key_is_told_at_once(key):
    """Empty, too long, not printable ASCII, or ours without its checksum."""
    assert not well_formed(key)


@given(st.text())
def test_any_text_has_a_digest(text):
    """What a client sends as a key is looked up, not raised about; equal texts only are equal."""
    assert digest(text) == sha256(text.encode(errors="surrogatepass")).digest()


@given(SECRET)
def test_a_hint_tells_keys_apart_and_opens_nothing(secret):
    """Four characters of the checksum; a short key has none, for four would be too much of it."""
    key = format_key(secret)

    assert hint(key) == key[-4:]
    assert hint("test") == hint("x" * 12) == ""
