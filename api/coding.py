"""Content codings, in and out: gzip and zstd (RFC 9110, 8.4 and 12.5.3; RFC 8878).

Answers to GET are coded where it pays; never those with a strong validator, whose bytes it stands
for, and no answers to POST, which may hold a secret beside what the caller sent. What comes in
coded is read through a decoder, so that limits are of what it says, not of what was sent.
"""

import gzip
import sys
import zlib
from collections.abc import Callable
from functools import lru_cache
from io import RawIOBase
from typing import IO, cast

from flask import Flask, Response
from flask.globals import request_ctx
from werkzeug.exceptions import UnsupportedMediaType

from domain.errors import Invalid

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PAYS = 1400
"""Bytes; less than this fits into one packet anyway."""

# Measured on pages of statements: zstd takes 1.5 ns a byte and leaves 11%, gzip 2 and 14%; at
# their usual levels 2 and 11%, 5.5 and 13%.
CODERS: dict[str, Callable[[bytes], bytes]] = {
    "zstd": lambda body: zstd.compress(body, 1),
    "gzip": lambda body: zlib.compress(body, 1, 16 + zlib.MAX_WBITS),
}
"""By name, the one that we like best first."""

WINDOW: dict[int, int] = {zstd.DecompressionParameter.window_log_max: 23}
"""8 MiB, what RFC 9659 lets a sender ask for."""

DECODERS: dict[str, Callable[[IO[bytes]], IO[bytes]]] = {
    "zstd": lambda body: cast(IO[bytes], zstd.ZstdFile(body, options=WINDOW)),
    "gzip": lambda body: cast(IO[bytes], gzip.GzipFile(fileobj=body)),
}
DECODERS["x-gzip"] = DECODERS["gzip"]

BROKEN = (EOFError, OSError, zlib.error, zstd.ZstdError)
"""What decoders raise for what is not what it says, or was cut."""

TEXT = ("application/json", "text/html", "text/plain")


class UnknownCoding(UnsupportedMediaType):
    """The body came in a coding that we do not read; says which we do (RFC 9110, 15.5.16)."""

    description = "send the body as it is, or with Content-Encoding zstd or gzip"

    def get_headers(self, *_: object, **__: object) -> list[tuple[str, str]]:
        """Returns the headers of the answer."""
        return [*super().get_headers(), ("Accept-Encoding", ", ".join(CODERS))]


class Decoder(RawIOBase):
    """Reads what a coded body says."""

    def __init__(self, decoder: IO[bytes]) -> None:
        self._decoder = decoder

    def read(self, size: int = -1, /) -> bytes:
        """Returns up to `size` bytes, none at the end; raises Invalid where it is cut or wrong."""
        try:
            return self._decoder.read(size)
        except BROKEN:
            detail = "the body is not in the coding that this says, or was cut"
            raise Invalid("Content-Encoding", "coding", detail) from None


def decoding(body: IO[bytes], coding: str) -> IO[bytes]:
    """Returns what reads the content of `body`.

    Raises UnknownCoding, also for two codings one upon the other.
    """
    name = coding.strip().lower()
    if name in ("", "identity"):
        return body
    if name not in DECODERS:
        raise UnknownCoding
    return cast(IO[bytes], Decoder(DECODERS[name](body)))


def install(app: Flask) -> None:
    """Codes answers of `app` as their readers ask."""
    app.after_request(code)


def code(response: Response) -> Response:
    """After each request: codes the body, where that is asked for and pays."""
    request = request_ctx.request
    if request.method not in ("GET", "HEAD"):
        return response
    headers = response.headers
    if not headers.get("Content-Type", "").startswith(TEXT):
        return response
    strong = not headers.get("ETag", "W/").startswith("W/")
    if strong or response.direct_passthrough or not response.is_sequence:
        return response
    headers.add("Vary", "Accept-Encoding")
    if response.status_code != 200 or "Content-Encoding" in headers:
        return response
    coding, plainly = chosen(request.environ.get("HTTP_ACCEPT_ENCODING", ""))
    if coding is None or (plainly and (response.content_length or 0) < PAYS):
        return response
    response.set_data(CODERS[coding](response.get_data()))
    headers["Content-Encoding"] = coding
    return response


@lru_cache(256)
def chosen(accepted: str) -> tuple[str | None, bool]:
    """Returns the coding to use for an Accept-Encoding, and whether none may be used as well.

    None is what remains where nothing that we have is acceptable.
    """
    weights = _weights(accepted)
    others = weights.get("*")
    plain = weights.get("identity", others)
    best, most = None, 0.0
    for coding in CODERS:
        weight = weights.get(coding, weights.get(f"x-{coding}", others)) or 0.0
        if weight > most:
            best, most = coding, weight
    if "identity" in weights and weights["identity"] > most:
        best = None
    return best, plain is None or plain > 0


def _weights(accepted: str) -> dict[str, float]:
    """Returns how much each coding is liked, from 0 (not at all); what is malformed is left out."""
    weights: dict[str, float] = {}
    for item in accepted.lower().split(","):
        name, semicolon, parameter = item.partition(";")
        weight = 1.0
        if semicolon:
            key, _, value = parameter.partition("=")
            try:
                weight = float(value) if key.strip() == "q" else 1.0
            except ValueError:
                continue
        if name.strip() and 0 <= weight <= 1:
            weights[name.strip()] = weight
    return weights
