"""Strict JSON."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Invalid
from domain.values.json_text import parse as parse_json

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(values, st.booleans())
def test_what_json_writes_is_read_as_it_was(value: Any, ascii_only: bool) -> None:
    body = json.dumps(value, ensure_ascii=ascii_only).encode()
    assert parse_json(body) == value


@given(st.text(), values, values)
def test_a_repeated_key_is_refused_wherever_it_stands(key: str, one: Any, other: Any) -> None:
    name = json.dumps(key)
    body = f'[{{"x": {{{name}: {json.dumps(one)}, {name}: {json.dumps(other)}}}}}]'
    with pytest.raises(Invalid) as refused:
        parse_json(body.encode())
    assert refused.value.rule == "repeated-key"


def test_the_place_of_a_fault_is_named() -> None:
    with pytest.raises(Invalid) as refused:
        parse_json(b'{\n  "actor": oops\n}')
    assert "line 2, column 12" in refused.value.detail


@pytest.mark.parametrize(
    "body", [b"", b"NaN", b"[Infinity]", b'"\\ud800"', b"{} {}", b"\xef\xbb\xbf{}"]
)
def test_what_is_not_json(body: bytes) -> None:
    with pytest.raises(Invalid):
        parse_json(body)


def test_what_could_not_be_written_again_is_refused() -> None:
    orjson.dumps([[parse_json(b"[" * 200 + b"]" * 200)]])
    for depth in (240, 1000, 2000):
        with pytest.raises(Invalid):
            parse_json(b"[" * depth + b"]" * depth)
