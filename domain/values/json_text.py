"""JSON as this system reads it from outside: strict, with the fault told to whoever sent it."""

import json
from typing import Any

import orjson

from domain.errors import Invalid

ROOM = 30
"""Levels kept free around what was sent, for pages and events; a writer of JSON ends at 254."""


def parse(text: bytes) -> Any:
    """Returns what `text` says as strict JSON (RFC 8259: no NaN, no lone surrogates).

    Raises Invalid: with line and column of the first fault, or naming a key that an object has
    twice, because readers of such a thing do not agree on what it says; and for what is nested so
    deeply that it could be read, but not written again.
    """
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        detail = f"not JSON at line {error.lineno}, column {error.colno}: {error.msg}"
        raise Invalid("", "json", detail) from None
    # A repeated key is lost in `value`, and its quotation marks with it. Only escaped quotation
    # marks (\\u0022) can disturb the count; then we look in earnest.
    if _written(value).count(b'"') != text.count(b'"') or b"\\u0022" in text:
        json.loads(text, object_pairs_hook=_refuse_repeated)
    return value


def _written(value: Any) -> bytes:
    for _ in range(ROOM):
        value = [value]
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        raise Invalid("", "depth", "nested too deeply") from None


def _refuse_repeated(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise Invalid("", "repeated-key", f"the key {key!r} stands twice in one object")
        seen.add(key)
