"""Deliveries: statements as a request of another store's statements resource, and its answer.

Whether and when to try again is `lrs.forwarder`'s to decide.
"""

from base64 import b64encode
from collections.abc import Sequence
from itertools import groupby
from secrets import token_hex

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
            "X-Experience-API-Version": _version(parcel[0]),
        }
        return self._line.post("/statements", headers, body)

    def _body(self, parcel: Sequence[Followed]) -> tuple[str, bytes]:
        """Returns content type and body: multipart/mixed where attachments go with it."""
        statements = [as_read(each.recorded) for each in parcel]
        boundary = token_hex(16)
        pieces = [_piece(boundary, {"Content-Type": JSON}, orjson.dumps(statements))]
        institution = _event(parcel[0]).institution
        for attachment, content in self._attachments.of(institution, statements):
            headers = {
                "Content-Type": attachment["contentType"],
                "Content-Transfer-Encoding": "binary",
                "X-Experience-API-Hash": attachment["sha2"],
            }
            pieces.append(_piece(boundary, headers, b"".join(content)))
        if len(pieces) == 1:
            return JSON, orjson.dumps(statements)
        pieces.append(f"--{boundary}--\r\n".encode())
        return f'multipart/mixed; boundary="{boundary}"', b"".join(pieces)


def parcels(found: Sequence[Followed], size: int) -> list[list[Followed]]:
    """Returns `found` in order, in parcels of at most `size`, each of one version of xAPI.

    A statement with attachments goes by itself: they are held whole while they are sent.
    """
    runs = [list(run) for _, run in groupby(found, key=_company)]
    return [run[start : start + size] for run in runs for start in range(0, len(run), size)]


def _company(followed: Followed) -> tuple[str, int]:
    """Returns what is equal for statements that may go together."""
    alone = any(attachments_of(_event(followed).statement))
    return _version(followed), followed.recorded.position if alone else 0


def _version(followed: Followed) -> str:
    """Returns the version by whose rules the statement was accepted, as a request names it."""
    return str(Version.parse(_event(followed).xapi_version))


def _event(followed: Followed) -> StatementStored:
    event = followed.recorded.event
    assert isinstance(event, StatementStored)
    return event


def _piece(boundary: str, headers: dict[str, str], content: bytes) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"--{boundary}\r\n{lines}\r\n".encode() + content + b"\r\n"
