"""Attachments: streamed in under a key of their own, which is then sealed for each owner.

Equal content of an institution is kept once. Erasing one owner takes their way to the key; the
content stays for the others, and goes with the last.
"""

import base64
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg_pool import ConnectionPool

from domain.errors import Invalid
from lrs.contents import Content, Contents
from lrs.keys.blind_index import BlindIndex
from lrs.keys.envelope import DataKey
from lrs.mapper import SealingMapper
from lrs.recorder import LOG_LOCK

Json = dict[str, Any]

KIND = "attachment"


@dataclass(frozen=True, slots=True)
class Received:
    """An attachment that came in: its content, already kept, and the key to it."""

    content: Content
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class _OneKey:
    """Opens the one key of a content."""

    key: DataKey

    def open(self, key_id: UUID) -> DataKey | None:
        return self.key if key_id == self.key.key_id else None


class Attachments:
    """Receives, links and opens attachments."""

    def __init__(
        self,
        pool: ConnectionPool[Any],
        blind: BlindIndex,
        mapper: SealingMapper,
        contents: Contents,
    ) -> None:
        self._pool = pool
        self._blind = blind
        self._mapper = mapper
        self._contents = contents

    def receive(self, institution: UUID, data: Iterable[bytes]) -> Received:
        """Keeps a content that nobody can open yet; `keep` or `discard` must follow."""
        key = os.urandom(32)
        content = self._contents.write(institution, _data_key(key), data)
        return Received(content, key)

    def keep(self, institution: UUID, owner: UUID, received: Received) -> None:
        """Gives `owner` the way to the content; an equal one that is there already is used."""
        attachment = self._identify(institution, received.content.sha2)
        held = self._held(institution, attachment)
        content_id, key = held or (received.content.content_id, received.key)
        sealed = self._mapper.seal_content(
            institution, attachment, {"key": base64.b64encode(key).decode()}, owner
        )
        with self._pool.connection() as connection, connection.transaction():
            # Either an erasure's fence is seen here, or the erasure purges this row.
            connection.execute("SELECT pg_advisory_xact_lock_shared(%s)", [LOG_LOCK])
            connection.execute(
                "INSERT INTO lrs.attachments (attachment, owner, institution, content_id, sealed)"
                " SELECT %s, %s, %s, %s, %b"
                " WHERE NOT EXISTS (SELECT FROM lrs.fences WHERE pseudonym = %s)"
                " ON CONFLICT DO NOTHING",
                [attachment, owner, institution, content_id, sealed, owner],
            )

    def discard(self, received: Iterable[Received]) -> None:
        """Deletes contents that no owner was given."""
        for one in received:
            with self._pool.connection() as connection:
                linked = connection.execute(
                    "SELECT FROM lrs.attachments WHERE content_id = %s LIMIT 1",
                    [one.content.content_id],
                ).fetchone()
            if linked is None:
                self._contents.drop(one.content.content_id)

    def open(self, institution: UUID, owner: UUID, sha2: str) -> Iterator[bytes] | None:
        """Returns the content, chunk by chunk, or None where this owner has no such attachment."""
        attachment = self._identify(institution, sha2)
        held = self._held(institution, attachment, owner)
        if held is None:
            return None
        content_id, key = held
        return self._contents.read(institution, content_id, _OneKey(_data_key(key)))

    def _identify(self, institution: UUID, sha2: str) -> UUID:
        return self._blind.term(institution, KIND, sha2.lower())

    def _held(
        self, institution: UUID, attachment: UUID, owner: UUID | None = None
    ) -> tuple[UUID, bytes] | None:
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT content_id, sealed FROM lrs.attachments"
                " WHERE attachment = %s AND (%s::uuid IS NULL OR owner = %s)",
                [attachment, owner, owner],
                binary=True,
            ).fetchall()
        for content_id, sealed in rows:
            opened = self._mapper.open_content(institution, attachment, sealed)
            if opened is not None:
                return content_id, base64.b64decode(opened["key"])
        return None


def attachments_of(statement: Json, pointer: str = "") -> Iterator[tuple[str, Json]]:
    """Returns each attachment of a statement, its SubStatement's too, with its JSON pointer."""
    for number, attachment in enumerate(statement.get("attachments", ())):
        yield f"{pointer}/attachments/{number}", attachment
    target = statement["object"]
    if target.get("objectType") == "SubStatement":
        yield from attachments_of(target, f"{pointer}/object")


def match(statements: Sequence[Json], hashes: Iterable[str]) -> None:
    """Raises `Invalid` unless parts and attachments belong together (1.0.3 Data 2.4.11).

    An attachment without a part needs a `fileUrl`, and a part needs an attachment.
    """
    parts = {value.lower() for value in hashes}
    wanted: set[str] = set()
    for number, statement in enumerate(statements):
        for pointer, attachment in attachments_of(statement, f"/{number}"):
            wanted.add(attachment["sha2"].lower())
            if attachment["sha2"].lower() not in parts and "fileUrl" not in attachment:
                raise Invalid(
                    f"{pointer}/sha2",
                    "attachment-missing",
                    "has neither a fileUrl nor a part of the request with this hash",
                    "1.0.3 Data 2.4.11",
                )
    for value in sorted(parts - wanted):
        raise Invalid(
            "X-Experience-API-Hash",
            "attachment-excess",
            f"no statement of this request has an attachment with the hash {value}",
            "1.0.3 Data 2.4.11",
        )


def _data_key(key: bytes) -> DataKey:
    """A content's key has no person and no row: its id says nothing."""
    return DataKey(UUID(int=0), UUID(int=0), AESGCM(key))
