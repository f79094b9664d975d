"""The alternate request syntax of 1.0.3 (Communication 1.3): any request as a POST of a form.

For browsers that could send nothing else. Such a request is put into its plain form before it is
routed, so that nothing behind knows of it. 2.0.0 has no such thing: there `method` is a parameter
that no resource knows, and is refused as one.
"""

from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl, urlencode

from flask import request

from domain.errors import Error, Invalid, TooLarge

SECTION = "1.0.3 Communication 1.3"
FORM = "application/x-www-form-urlencoded"
METHODS = frozenset({"GET", "HEAD", "PUT", "POST", "DELETE"})
WITH_CONTENT = frozenset({"PUT", "POST"})
HEADERS = {
    "Authorization": "HTTP_AUTHORIZATION",
    "X-Experience-API-Version": "HTTP_X_EXPERIENCE_API_VERSION",
    "Content-Type": "CONTENT_TYPE",
    "Content-Length": "",
    "If-Match": "HTTP_IF_MATCH",
    "If-None-Match": "HTTP_IF_NONE_MATCH",
}
"""Fields that stand for headers, and where WSGI keeps these; of the length we know better."""

REFUSAL = "kumbuka.refusal"

Environ = dict[str, Any]


def plain(environ: Environ, max_body: int) -> Environ:
    """Returns the request that `environ` stands for: itself, unless it is in this syntax.

    A refusal is left in the environment for `refuse`, since nothing can be answered here.
    """
    if environ["REQUEST_METHOD"] != "POST" or not environ["PATH_INFO"].startswith("/xapi/"):
        return environ
    text = environ.get("QUERY_STRING")
    query = parse_qsl(text, keep_blank_values=True) if text else []
    methods = [value for name, value in query if name == "method"]
    if not methods or not _speaks_1_0(environ):
        return environ
    try:
        if len(query) > 1:
            raise Invalid("method", "alone", "no other parameter may stand beside it", SECTION)
        return _plain(environ, methods[0].upper(), max_body)
    except Error as error:
        return {**environ, REFUSAL: error}


def refuse() -> None:
    """Before each request: raises what `plain` found wrong."""
    refusal = request.environ.get(REFUSAL)
    if refusal is not None:
        raise refusal


def _plain(environ: Environ, method: str, max_body: int) -> Environ:
    if method not in METHODS:
        raise Invalid("method", "method", f"one of {', '.join(sorted(METHODS))}", SECTION)
    if environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower() != FORM:
        raise Invalid("Content-Type", "media-type", f"send {FORM}", SECTION)
    form = _form(environ, max_body)
    content = form.pop("content", None)
    if content is None and method in WITH_CONTENT:
        raise Invalid("content", "missing", "the content belongs in this field", SECTION)
    body = (content or "").encode("utf-8", "surrogateescape")
    changed = {**environ, "CONTENT_TYPE": "application/json" if content is not None else ""}
    for name, place in HEADERS.items():
        value = form.pop(name, None)
        if value is not None and not (value.isascii() and value.isprintable()):
            raise Invalid(name, "header", "not the value of a header", SECTION)
        if value is not None and place:
            changed[place] = value
    if not _speaks_1_0(changed):
        raise Invalid("method", "unknown-parameter", "this is of 1.0.3 only", SECTION)
    return changed | {
        "REQUEST_METHOD": method,
        "QUERY_STRING": urlencode(form, errors="surrogateescape"),
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": BytesIO(body),
        "wsgi.input_terminated": True,
    }


def _speaks_1_0(environ: Environ) -> bool:
    """Whether the request says so, or does not say in which version it is."""
    version: str = environ.get("HTTP_X_EXPERIENCE_API_VERSION", "1.0")
    return not version.strip().startswith("2")


def _form(environ: Environ, max_body: int) -> dict[str, str]:
    """Returns the fields of the form, each once; bytes that are no UTF-8 survive as surrogates."""
    length = environ.get("CONTENT_LENGTH") or ""
    unknown = max_body + 1 if environ.get("wsgi.input_terminated") else 0
    left = min(int(length) if length.isdigit() else unknown, max_body + 1)
    text = b""
    while left and (piece := environ["wsgi.input"].read(left)):
        text += piece
        left -= len(piece)
    if len(text) > max_body:
        raise TooLarge(f"the body is larger than {max_body} bytes")
    try:
        fields = parse_qsl(
            text.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="surrogateescape",
            max_num_fields=100,
        )
    except ValueError:
        raise Invalid("", "form", f"the body is not {FORM}", SECTION) from None
    form = dict(fields)
    if len(form) < len(fields):
        raise Invalid("", "repeated-field", "give each field once", SECTION)
    return form
