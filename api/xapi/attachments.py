"""Statements with attachments: multipart/mixed in and out, streamed (1.0.3 Communication 1.5.2)."""

import re
from collections.abc import Iterable, Iterator, Sequence
from secrets import token_hex
from typing import Any

from flask import Response, current_app, g, request
from flask.globals import request_ctx

from api.authentication import credential
from api.requests import MAX_BODY
from api.services import services
from api.xapi.multipart import Part, Parts
from api.xapi.responses import JSON
from domain.errors import Invalid
from domain.values import identifiers, json_text
from lrs.attachments import HASH, Sent

SECTION = "1.0.3 Communication 1.5.2"
MIXED = "multipart/mixed"
ENCODING = "Content-Transfer-Encoding"

# RFC 2046 5.1.1, with a length that nobody reaches.
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,199}[0-9A-Za-z'()+_,./:=?-]")


def body() -> tuple[Any, Iterable[Sent]]:
    """Returns the JSON of this request, and its attachments, which are read as they are asked for.

    Leaves the JSON in `g.content`, for whoever has to tell what was refused. Raises Invalid.
    """
    asked = request_ctx.request
    # Nearly always it is just this; to look for parameters costs more.
    if asked.environ.get("CONTENT_TYPE") == JSON or asked.mimetype == JSON:
        g.content = content = asked.get_json()
        return content, ()
    if request.mimetype != MIXED:
        raise Invalid("Content-Type", "media-type", f"send {JSON} or {MIXED}", SECTION)
    boundary = request.mimetype_params.get("boundary", "")
    if _BOUNDARY.fullmatch(boundary) is None:
        raise Invalid("Content-Type", "boundary", "names no boundary", SECTION)
    parts = iter(Parts(request.stream, boundary, current_app.config[MAX_BODY]))
    first = next(parts, None)
    if first is None or not _is_json(first):
        raise Invalid("", "multipart", f"the first part is not {JSON}", SECTION)
    g.content = json_text.parse(b"".join(first.content))
    return g.content, (_sent(part) for part in parts)


def answer(content: bytes, statements: Sequence[dict[str, Any]]) -> Response:
    """Returns multipart/mixed: the JSON `content`, then each attachment of `statements` once."""
    boundary = token_hex(16).encode()
    found = services().attachments.of(credential().institution, statements)

    def stream() -> Iterator[bytes]:
        yield b"--%b\r\nContent-Type: %b\r\n\r\n%b" % (
            boundary,
            JSON.encode(),
            content,
        )
        for attachment, data in found:
            yield b"\r\n--%b\r\nContent-Type: %b\r\n%b: binary\r\n%b: %b\r\n\r\n" % (
                boundary,
                attachment["contentType"].encode(),
                ENCODING.encode(),
                HASH.encode(),
                attachment["sha2"].encode(),
            )
            yield from data
        yield b"\r\n--%b--\r\n" % boundary

    # Unquoted: TinCanJS takes all that follows for the boundary.
    return Response(stream(), content_type=f"{MIXED}; boundary={boundary.decode()}")


def _is_json(part: Part) -> bool:
    media_type = part.headers.get("content-type", "").partition(";")[0]
    return media_type.strip().lower() == JSON


def _sent(part: Part) -> Sent:
    """Returns the part as an attachment; raises Invalid for headers other than xAPI asks for."""
    sha2 = part.headers.get(HASH.lower(), "")
    if re.fullmatch(identifiers.SHA2, sha2) is None:
        raise Invalid(HASH, "sha2", "each attachment needs this header, in hex", SECTION)
    if part.headers.get(ENCODING.lower(), "").lower() != "binary":
        raise Invalid(ENCODING, "binary", "each attachment needs this header: binary", SECTION)
    return Sent(sha2, part.content)
