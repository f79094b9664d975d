"""Whole HTTP requests as bytes, made before the clock starts: posts of statements, and queries."""

from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import orjson

Json = dict[str, Any]

PATH = "/xapi/statements"
ID_AT = len(b'{"id":"')
"""Where the digits of a statement's id begin, being written first."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `slots` are where eight digits of each statement's id stand in `data`."""

    kind: str
    data: bytearray
    slots: tuple[int, ...] = ()
    statements: int = 0


@dataclass(frozen=True)
class Maker:
    """Makes requests with one credential; `path` is where statements are kept."""

    key: str
    secret: str
    path: str = PATH
    version: str = "1.0.3"

    def post(self, statements: Iterable[Json], kind: str = "post") -> Request:
        """Returns a POST of a list of statements, or of the one that there is."""
        parts = []
        for statement in statements:
            bare = {name: value for name, value in statement.items() if name != "id"}
            parts.append(orjson.dumps({"id": f"00000000{str(uuid4())[8:]}", **bare}))
        single = len(parts) == 1
        body = parts[0] if single else b"[" + b",".join(parts) + b"]"
        head = self._head("POST", self.path, len(body))
        at, slots = len(head) + (not single), []
        for part in parts:
            slots.append(at + ID_AT)
            at += len(part) + 1
        return Request(kind, bytearray(head + body), tuple(slots), len(parts))

    def posts(self, statements: Iterable[Json], size: int, kind: str = "post") -> list[Request]:
        """Returns POSTs of `size` statements each."""
        source = iter(statements)
        return [self.post(batch, kind) for batch in iter(lambda: list(islice(source, size)), [])]

    def get(self, parameters: Mapping[str, Any], kind: str) -> Request:
        """Returns a query; what is no string among its parameters is sent as JSON."""
        query = {
            name: value if isinstance(value, str) else orjson.dumps(value).decode()
            for name, value in parameters.items()
        }
        return Request(kind, bytearray(self._head("GET", f"{self.path}?{urlencode(query)}", 0)))

    def _head(self, method: str, path: str, length: int) -> bytes:
        pair = b64encode(f"{self.key}:{self.secret}".encode()).decode()
        lines = [
            f"{method} {path} HTTP/1.1",
            "Host: localhost",
            f"Authorization: Basic {pair}",
            f"X-Experience-API-Version: {self.version}",
        ]
        if length:
            lines += ["Content-Type: application/json", f"Content-Length: {length}"]
        return "\r\n".join([*lines, "", ""]).encode()


def in_turn(*lists: list[Request]) -> Iterator[Request]:
    """Yields requests of lists of equal length, one of each in turn."""
    for group in zip(*lists, strict=True):
        yield from group
