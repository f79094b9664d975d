"""Headers of every answer: request id, and what browsers must not do with it.

They are put on where the answer leaves, beneath the framework: so nothing goes out without them.
"""

import re
from random import getrandbits
from typing import Any

import structlog
from flask import request

ID_OF_CALLER = re.compile(r"[A-Za-z0-9._-]{8,64}")
REQUEST_ID = "kumbuka.request_id"

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("X-Frame-Options", "DENY"),
    ("Content-Security-Policy", POLICY),
)
NOT_STORED = ("Cache-Control", "no-store")

Environ = dict[str, Any]


def name_request(environ: Environ) -> str:
    """Returns the caller's id of this request, or a new one; every line logged will have it."""
    name: str = environ.get("HTTP_X_REQUEST_ID", "")
    if not ID_OF_CALLER.fullmatch(name):
        # No secret, and `secrets` lets go of the interpreter to draw it.
        name = f"{getrandbits(128):032x}"
    environ[REQUEST_ID] = name
    structlog.contextvars.bind_contextvars(request_id=name)
    return name


def request_id() -> str:
    """Returns the id of this request."""
    return str(request.environ.get(REQUEST_ID, ""))


def securing(environ: Environ, start_response: Any) -> Any:
    """Returns `start_response` with the headers of every answer, keeping what a view set itself."""
    named = ("X-Request-Id", name_request(environ))
    stored = environ["PATH_INFO"].startswith("/static")

    def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        given = {name for name, _ in headers}
        headers.append(named)
        headers += [pair for pair in HEADERS if pair[0] not in given]
        if not stored and NOT_STORED[0] not in given:
            headers.append(NOT_STORED)
        return start_response(status, headers, exc_info)

    return start
