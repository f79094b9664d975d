"""The request as this API reads it: a bounded body, decoded, and strict JSON."""

from typing import IO, Any

from flask import Request as FlaskRequest
from flask import current_app, request
from werkzeug.exceptions import ClientDisconnected
from werkzeug.utils import cached_property

from api import coding
from domain.errors import Invalid, TooLarge
from domain.values import json_text

MAX_BODY = "KUMBUKA_MAX_BODY_BYTES"
BODY_READ = "kumbuka.body_read"
"""In the environment of a request whose body was read to the end."""

MANY_DIGITS = 19


class Request(FlaskRequest):
    """Reads at most one byte more than is allowed and refuses then.

    Flask's own MAX_CONTENT_LENGTH cuts a chunked body silently and answers 200.
    """

    @cached_property
    def stream(self) -> IO[bytes]:
        """What the body says, decoded (`api.coding`): how much that is, only reading it shows."""
        sent = self.environ.get("HTTP_CONTENT_ENCODING")
        plain: IO[bytes] = super().stream
        return coding.decoding(plain, sent) if sent else plain

    @property
    def length(self) -> int | None:
        """Bytes of the body as it was sent; None where it does not say how many."""
        length = self.environ.get("CONTENT_LENGTH", "")
        known = length.isascii() and length.isdigit() and len(length) < MANY_DIGITS
        return int(length) if known else None

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
        limit = int(current_app.config[MAX_BODY])
        length = self.length
        if length is not None and length > limit:
            raise TooLarge(f"the body is larger than {limit} bytes")
        if length is not None and "HTTP_CONTENT_ENCODING" not in self.environ:
            body = _exactly(self.environ["wsgi.input"], length)
            self.environ[BODY_READ] = True
            return body
        parts: list[bytes] = []
        left = limit + 1
        while left and (part := self.stream.read(left)):
            parts.append(part)
            left -= len(part)
        if not left:
            raise TooLarge(f"the body is larger than {limit} bytes")
        return b"".join(parts)


def _exactly(source: IO[bytes], length: int) -> bytes:
    """Returns `length` bytes; raises ClientDisconnected where there are fewer."""
    body = source.read(length) if length else b""
    while len(body) < length:
        part = source.read(length - len(body))
        if not part:
            raise ClientDisconnected
        body += part
    return body


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
