"""ETags of answers, and 304 where the reader has them already (RFC 9110, 8.8 and 13.1.2).

An answer in JSON gets a weak one, made of all it says: it holds whichever content coding it goes
out with. Documents have a strong one of their own (`api.xapi.documents`), for If-Match.
"""

from hashlib import sha256

from flask import Flask, Response
from flask.globals import request_ctx

RESOURCES = ("/xapi/", "/api/v1/")


def install(app: Flask) -> None:
    """Makes answers of `app` to GET and HEAD conditional."""
    app.after_request(compare)


def compare(response: Response) -> Response:
    """After each request: gives the answer its ETag, and only that where the reader has it."""
    request = request_ctx.request
    if request.method not in ("GET", "HEAD") or response.status_code != 200:
        return response
    headers = response.headers
    if headers.get("ETag") is None:
        json = headers.get("Content-Type") == "application/json"
        if not json or not request.path.startswith(RESOURCES):
            return response
        tag(response, response.get_data())
    if "HTTP_IF_NONE_MATCH" in request.environ:
        etag, _ = response.get_etag()
        if etag is not None and request.if_none_match.contains_weak(etag):
            response.status_code = 304
    return response


def tag(response: Response, *said: bytes) -> None:
    """Gives `response` a weak ETag of what it says; needed where its bytes differ each time."""
    digest = sha256(usedforsecurity=False)
    for part in said:
        digest.update(part)
    response.headers.add("ETag", f'W/"{digest.hexdigest()[:32]}"')
