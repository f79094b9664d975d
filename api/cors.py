"""CORS: which pages of other sites may read our answers (Fetch standard, 3.2).

xAPI content runs in browsers, on any site, and shows its own key or token in a header: nothing
here is opened by a cookie, so answering every origin gives away nothing. Hence `*` by default for
`/xapi` and `/oauth`; never for pages, nor for `/api/v1`.
"""

from flask import Response, request

from api.services import services

SHARED = ("/xapi", "/oauth/")
METHODS = "GET, HEAD, POST, PUT, DELETE, OPTIONS"
ASKED = (
    "Authorization, Content-Type, Accept-Language, If-Match, If-None-Match, X-Request-Id,"
    " X-Experience-API-Version, X-Experience-API-Hash"
)
SHOWN = (
    "X-Experience-API-Version, X-Experience-API-Consistent-Through, ETag, Last-Modified,"
    " Retry-After, WWW-Authenticate, X-Request-Id"
)
REMEMBER_SECONDS = "7200"


def answer_preflight() -> Response | None:
    """Before each request: answers what browsers ask first, without credentials or version."""
    asks = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
    return Response(status=204) if asks and request.path.startswith(SHARED) else None


def share(response: Response) -> Response:
    """After each request, refused ones too: lets the origin's page read the answer."""
    if not request.path.startswith(SHARED):
        return response
    allowed = services().settings.cors_origins
    if "*" not in allowed:
        response.vary.add("Origin")
    origin = request.headers.get("Origin")
    if origin is None or not ("*" in allowed or origin in allowed):
        return response
    response.headers["Access-Control-Allow-Origin"] = "*" if "*" in allowed else origin
    response.headers["Access-Control-Expose-Headers"] = SHOWN
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = METHODS
        response.headers["Access-Control-Allow-Headers"] = ASKED
        response.headers["Access-Control-Max-Age"] = REMEMBER_SECONDS
    return response
