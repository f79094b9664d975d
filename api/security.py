"""Headers of every answer: request id, and what browsers must not do with it."""

import re
from uuid import uuid4

import structlog
from flask import Response, g, request

ID_OF_CALLER = re.compile(r"^[A-Za-z0-9._-]{8,64}$")

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}


def name_request() -> None:
    """Before each request: takes the caller's request id, or gives one."""
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if ID_OF_CALLER.match(given) else uuid4().hex
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def secure(response: Response) -> Response:
    """After each request: adds the headers, keeping what a view set by itself."""
    response.headers["X-Request-Id"] = g.get("request_id", "")
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Content-Security-Policy", POLICY)
    if not request.path.startswith("/static"):
        response.headers.setdefault("Cache-Control", "no-store")
    return response
