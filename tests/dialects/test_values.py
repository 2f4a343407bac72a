"""How many values a body may have, and that texts do not count."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.dialects import objects
from aihub.errors import InvalidRequest

JSON = st.recursive(
    st.none() | st.integers(-(2**63), 2**63) | st.text('"\\,[{x'),
    lambda inner: st.lists(inner) | st.dictionaries(st.text('"\\,[{x'), inner),
    max_leaves=30,
)


def values(value):
    """Count as the bound does: what follows a comma or opens an array or object."""
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        return 0
    return 1 + max(0, len(value) - 1) + sum(map(values, value))


@given(JSON)
def test_the_count_is_that_of_the_values_whatever_the_texts_have(value):
    """Commas, brackets, quotation marks and backslashes in texts and names are none."""
    body = {"a": value}
    data = json.dumps(body).encode()
    count = values(body)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(objects, "MAX_VALUES", count)
        assert objects.json_object(data) == body
        patch.setattr(objects, "MAX_VALUES", count - 1)
        with pytest.raises(InvalidRequest, match="more than"):
            objects.json_object(data)


def test_a_text_of_signs_is_one_value():
    """A prompt may be a table or a program of millions of commas and brackets."""
    body = {"a": '[{,"' * 200_000}
    assert objects.json_object(json.dumps(body).encode()) == body


def test_of_a_name_that_is_there_twice_the_last_value_counts():
    """RFC 8259 leaves it open; most parsers do so."""
    assert objects.json_object(b'{"a":1,"a":2}') == {"a": 2}
