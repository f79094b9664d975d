"""CORS: which pages of other sites may read our answers (Fetch standard, 3.2).

xAPI content runs in browsers, on any site, and shows its own key or token in a header: nothing
here is opened by a cookie, so answering every origin gives away nothing. Hence `*` by default for
`/xapi` and `/oauth`; never for pages, nor for `/api/v1`.
"""

from collections.abc import Callable

from flask import Flask, Response, request
from flask.globals import request_ctx

from lrs.settings import Settings

SHARED = ("/xapi", "/oauth/")
METHODS = "GET, HEAD, POST, PUT, DELETE, OPTIONS"
ASKED = (
    "Authorization, Content-Type, Accept-Language, If-Match, If-None-Match, X-Request-Id,"
    " Content-Encoding, X-Experience-API-Version, X-Experience-API-Hash"
)
SHOWN = (
    "X-Experience-API-Version, X-Experience-API-Consistent-Through, ETag, Last-Modified,"
    " Retry-After, WWW-Authenticate, X-Request-Id"
)
REMEMBER_SECONDS = "7200"


def answer_preflight() -> Response | None:
    """Before each request: answers what browsers ask first, without credentials or version."""
    if request.method != "OPTIONS" or "Access-Control-Request-Method" not in request.headers:
        return None
    return Response(status=204) if request.path.startswith(SHARED) else None


def install(app: Flask, settings: Settings) -> None:
    """Makes answers of `app`, refused ones too, readable by pages of the origins that may."""
    app.before_request(answer_preflight)
    allowed = frozenset(settings.cors_origins)
    app.after_request(_listing(allowed) if "*" not in allowed else _to_any)


def _to_any(response: Response) -> Response:
    origin = request.environ.get("HTTP_ORIGIN")
    return response if origin is None else _share(response, "*")


def _listing(allowed: frozenset[str]) -> Callable[[Response], Response]:
    def to_those(response: Response) -> Response:
        if request.path.startswith(SHARED):
            response.vary.add("Origin")
        origin = request.environ.get("HTTP_ORIGIN")
        return _share(response, origin) if origin in allowed else response

    return to_those


def _share(response: Response, origin: str) -> Response:
    asked = request_ctx.request
    if not asked.path.startswith(SHARED):
        return response
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Access-Control-Expose-Headers"] = SHOWN
    if asked.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = METHODS
        response.headers["Access-Control-Allow-Headers"] = ASKED
        response.headers["Access-Control-Max-Age"] = REMEMBER_SECONDS
    return response
