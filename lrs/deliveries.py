"""Deliveries: statements as a request of another store's statements resource, and its answer.

Whether and when to try again is `lrs.forwarder`'s to decide.
"""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from itertools import groupby
from secrets import token_hex
from typing import Any
from uuid import UUID

import orjson

from domain.statements.events import StatementStored
from domain.values.version import Version
from lrs.attachments import Attachments, attachments_of
from lrs.following import Followed
from lrs.outgoing import Answer, Outgoing
from lrs.queries import as_read

JSON = "application/json"


class Deliveries:
    """Delivers statements over one line under one credential."""

    def __init__(self, line: Outgoing, attachments: Attachments, *, key: str, secret: str) -> None:
        self._line = line
        self._attachments = attachments
        self._authorization = "Basic " + b64encode(f"{key}:{secret}".encode()).decode()

    def send(self, parcel: Sequence[Followed]) -> Answer:
        """Returns the answer to one POST of all of `parcel`, which is of one version.

        Raises `lrs.outgoing.Unreachable` where there is none.
        """
        content_type, body = self._body(parcel)
        headers = {
            "Authorization": self._authorization,
            "Content-Type": content_type,
            "X-Experience-API-Version": version_of(parcel[0]),
        }
        return self._line.post("/statements", headers, body)

    def _body(self, parcel: Sequence[Followed]) -> tuple[str, bytes]:
        """Returns content type and body: multipart/mixed where attachments go with it."""
        statements = orjson.dumps([as_read(each.recorded) for each in parcel])
        parts = dict(part for each in parcel for part in self._parts(each.recorded.event))
        if not parts:
            return JSON, statements
        boundary = token_hex(16)
        pieces = [_piece(boundary, {"Content-Type": JSON}, statements)]
        for sha2, (content_type, content) in parts.items():
            headers = {
                "Content-Type": content_type,
                "Content-Transfer-Encoding": "binary",
                "X-Experience-API-Hash": sha2,
            }
            pieces.append(_piece(boundary, headers, content))
        pieces.append(f"--{boundary}--\r\n".encode())
        return f'multipart/mixed; boundary="{boundary}"', b"".join(pieces)

    def _parts(self, event: Any) -> Iterator[tuple[str, tuple[str, bytes]]]:
        assert isinstance(event, StatementStored)
        for _, attachment in attachments_of(event.statement):
            content = self._content(event.institution, event.owner, attachment["sha2"])
            if content is not None:
                yield attachment["sha2"], (attachment["contentType"], content)

    def _content(self, institution: UUID, owner: UUID, sha2: str) -> bytes | None:
        chunks = self._attachments.open(institution, owner, sha2)
        return None if chunks is None else b"".join(chunks)


def parcels(found: Sequence[Followed], size: int) -> list[list[Followed]]:
    """Returns `found` in order, in parcels of at most `size`, each of one version of xAPI."""
    runs = [list(run) for _, run in groupby(found, key=version_of)]
    return [run[start : start + size] for run in runs for start in range(0, len(run), size)]


def version_of(followed: Followed) -> str:
    """Returns the version by whose rules the statement was accepted, as a request names it."""
    event = followed.recorded.event
    assert isinstance(event, StatementStored)
    return str(Version.parse(event.xapi_version))


def _piece(boundary: str, headers: dict[str, str], content: bytes) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"--{boundary}\r\n{lines}\r\n".encode() + content + b"\r\n"
