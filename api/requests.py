"""The request as this API reads it: a bounded body and strict JSON."""

from typing import Any

from flask import Request as FlaskRequest
from flask import current_app, request

from domain.errors import Invalid, TooLarge
from domain.values import json_text

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
        return json_text.parse(self.get_data())

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


def single_values() -> dict[str, str]:
    """Returns the query parameters of this request; raises Invalid for a repeated one."""
    if not request.query_string:
        return {}
    given: dict[str, str] = {}
    for name, value in request.args.items(multi=True):
        if name in given:
            raise Invalid(name, "repeated-parameter", "give this parameter once")
        given[name] = value
    return given
