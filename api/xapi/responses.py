"""Statements as answers: in the format asked for, as JSON or as multipart."""

from secrets import token_hex
from typing import Any

import orjson
from flask import Response, request

from domain.statements.formats import Format, render

JSON = "application/json"


def json(content: Any) -> Response:
    """Returns a JSON response."""
    return Response(orjson.dumps(content), content_type=JSON)


def with_parts(content: Any) -> Response:
    """Returns multipart/mixed, JSON first (1.0.3 Communication 1.5.2).

    No part follows it: attachments are held by their `fileUrl` alone.
    """
    boundary = token_hex(16)
    body = b"--%b\r\nContent-Type: application/json\r\n\r\n%b\r\n--%b--\r\n" % (
        boundary.encode(),
        orjson.dumps(content),
        boundary.encode(),
    )
    return Response(body, content_type=f'multipart/mixed; boundary="{boundary}"')


def rendered(statement: dict[str, Any], wanted: Format) -> dict[str, Any]:
    """Returns `statement` in the format, in the languages that the reader prefers."""
    return render(statement, wanted, list(request.accept_languages.values()))
