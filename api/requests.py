"""The request as this API reads it: a bounded body and strict JSON."""

import json
from typing import Any

import orjson
from flask import Request as FlaskRequest
from flask import current_app

from domain.errors import Invalid, TooLarge

MAX_BODY = "KUMBUKA_MAX_BODY_BYTES"


class Request(FlaskRequest):
    """Reads at most one byte more than is allowed and refuses then.

    Flask's own MAX_CONTENT_LENGTH cuts a chunked body silently and answers 200.
    """

    def get_data(self, *_: Any, as_text: bool = False, **__: Any) -> Any:
        """Returns the whole body; raises TooLarge. Forms are never parsed here."""
        body: bytes | None = getattr(self, "_cached_data", None)
        if body is None:
            body = self._read()
            self._cached_data = body
        return body.decode("utf-8", "replace") if as_text else body

    def get_json(self, *_: Any, **__: Any) -> Any:
        """Returns the body as JSON; raises Invalid, never silently, and TooLarge."""
        return parse_json(self.get_data())

    def _read(self) -> bytes:
        limit = self._limit()
        if (self.content_length or 0) > limit:
            raise TooLarge(f"the body is larger than {limit} bytes")
        parts: list[bytes] = []
        left = limit + 1
        while left and (part := self.stream.read(left)):
            parts.append(part)
            left -= len(part)
        if not left:
            raise TooLarge(f"the body is larger than {limit} bytes")
        return b"".join(parts)

    def _limit(self) -> int:
        return int(current_app.config[MAX_BODY])


def parse_json(body: bytes) -> Any:
    """Returns what `body` says as strict JSON (RFC 8259: no NaN, no lone surrogates).

    Raises Invalid: with line and column of the first fault, or naming a key that an object has
    twice, because readers of such a thing do not agree on what it says.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        detail = f"not JSON at line {error.lineno}, column {error.colno}: {error.msg}"
        raise Invalid("", "json", detail) from None
    # A repeated key is lost in `value`, and its quotation marks with it. Only escaped quotation
    # marks (\\u0022) can disturb the count; then we look in earnest.
    if orjson.dumps(value).count(b'"') != body.count(b'"') or b"\\u0022" in body:
        json.loads(body, object_pairs_hook=_refuse_repeated)
    return value


def _refuse_repeated(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise Invalid("", "repeated-key", f"the key {key!r} stands twice in one object")
        seen.add(key)
