"""Attachments: streamed in under a key of their own, which is then sealed for each owner.

Equal content of an institution is kept once. Erasing one owner takes their way to the key; the
content stays for the others, and goes with the last.
"""

import base64
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg import Connection
from psycopg_pool import ConnectionPool

from domain.errors import Invalid, Overloaded
from domain.statements.events import originator_of
from domain.statements.relations import SIGNATURE
from lrs import signatures
from lrs.contents import Content, Contents
from lrs.keys.blind_index import BlindIndex
from lrs.keys.envelope import DataKey
from lrs.mapper import SealingMapper
from lrs.recorder import Beside

Json = dict[str, Any]

KIND = "attachment"
HASH = "X-Experience-API-Hash"
SECTION = "1.0.3 Data 2.4.11"
_SHA2 = {56: hashlib.sha224, 64: hashlib.sha256, 96: hashlib.sha384, 128: hashlib.sha512}


@dataclass(frozen=True, slots=True)
class Sent:
    """A part of a request: the hash that it is sent under, and its content, to be read once."""

    sha2: str
    content: Iterable[bytes]


@dataclass(frozen=True, slots=True)
class Received:
    """An attachment that came in: its hash, its content, already kept, and the key to it."""

    sha2: str
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

    @contextmanager
    def receiving(
        self, institution: UUID, statements: Sequence[Json], sent: Iterable[Sent]
    ) -> Iterator[Mapping[str, Received]]:
        """Gives what came in for these valid statements, by hash; in the end drops what is unused.

        Raises `Invalid` unless parts and attachments belong together, a part is what its hash says,
        and signatures hold. A part that no attachment asks for is not even read.
        """
        places = [
            (statement, f"/{number}{pointer}", attachment)
            for number, statement in enumerate(statements)
            for pointer, attachment in attachments_of(statement)
        ]
        wanted = {attachment["sha2"].lower() for _, _, attachment in places}
        received: dict[str, Received] = {}
        try:
            for one in sent:
                sha2 = one.sha2.lower()
                if sha2 not in wanted:
                    detail = f"no statement of this request has an attachment with the hash {sha2}"
                    raise Invalid(HASH, "attachment-excess", detail, SECTION)
                if sha2 not in received:
                    received[sha2] = self._receive(institution, sha2, one.content)
            for statement, pointer, attachment in places:
                found = received.get(attachment["sha2"].lower())
                if found is None and "fileUrl" not in attachment:
                    detail = "has neither a fileUrl nor a part of the request with this hash"
                    raise Invalid(f"{pointer}/sha2", "attachment-missing", detail, SECTION)
                if found is not None and attachment["usageType"] == SIGNATURE:
                    signature = b"".join(self._open(institution, found.content, found.key))
                    signatures.verify(signature, statement, attachment, pointer)
            yield received
        finally:
            self._discard(received.values())

    def linking(
        self,
        institution: UUID,
        owned: Iterable[tuple[UUID, Json]],
        received: Mapping[str, Received],
    ) -> Beside | None:
        """Returns what gives each owner of a statement the way to its attachments, or None.

        To be run in the transaction that records the statements. Equal content that is there
        already is used instead of what was received.
        """
        links = {
            (owner, attachment["sha2"].lower())
            for owner, statement in owned
            for _, attachment in attachments_of(statement)
            if attachment["sha2"].lower() in received
        }
        if not links:
            return None
        rows = []
        used = set()
        for owner, sha2 in sorted(links):
            attachment = self._identify(institution, sha2)
            mine = received[sha2]
            held = self._held(institution, attachment) if mine.content.size else None
            content_id, key = held or (mine.content.content_id, mine.key)
            if mine.content.size:
                used.add(content_id)
            sealed = self._mapper.seal_content(
                institution, attachment, {"key": base64.b64encode(key).decode()}, owner
            )
            rows.append((attachment, owner, institution, content_id, sealed))

        def link(connection: Connection[Any]) -> None:
            connection.cursor().executemany(
                "INSERT INTO lrs.attachments (attachment, owner, institution, content_id, sealed)"
                " VALUES (%s, %s, %s, %s, %b) ON CONFLICT DO NOTHING",
                rows,
            )
            query = "SELECT count(*) FROM lrs.contents WHERE number = 0 AND content_id = ANY(%s)"
            row = connection.execute(query, [list(used)]).fetchone()
            if row != (len(used),):
                # An equal one was erased just now, or this one was so slow that it was swept.
                raise Overloaded("the content of an attachment is gone: send this again")

        return link

    def open(self, institution: UUID, owner: UUID, sha2: str) -> Iterator[bytes] | None:
        """Returns the content, chunk by chunk, or None where this owner has no such attachment."""
        held = self._held(institution, self._identify(institution, sha2), owner)
        if held is None:
            return None
        content_id, key = held
        return self._contents.read(institution, content_id, _OneKey(_data_key(key)))

    def of(
        self, institution: UUID, statements: Sequence[Json]
    ) -> Iterator[tuple[Json, Iterator[bytes]]]:
        """Returns each attachment of statements that were read, once, with its content.

        Those that were never received, being held by their `fileUrl`, are left out.
        """
        having = [statement for statement in statements if any(attachments_of(statement))]
        owners = self._owners(institution, [UUID(statement["id"]) for statement in having])
        given: set[str] = set()
        for statement in having:
            owner = owners.get(originator_of(institution, UUID(statement["id"])))
            for _, attachment in attachments_of(statement):
                sha2 = attachment["sha2"].lower()
                if owner is None or sha2 in given:
                    continue
                content = self.open(institution, owner, sha2)
                if content is not None:
                    given.add(sha2)
                    yield attachment, content

    def _owners(self, institution: UUID, statement_ids: Sequence[UUID]) -> dict[UUID, UUID]:
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT e.originator_id, i.owner FROM lrs.stored_events e"
                " JOIN lrs.statement_index i ON i.position = e.notification_id"
                " WHERE e.originator_id = ANY(%s) AND e.originator_version = 1",
                [[originator_of(institution, one) for one in statement_ids]],
                binary=True,
            ).fetchall()
        return dict(rows)

    def _receive(self, institution: UUID, sha2: str, data: Iterable[bytes]) -> Received:
        """Keeps a content that nobody can open yet; nothing, where it is not what `sha2` says."""
        key = os.urandom(32)
        digest = _SHA2[len(sha2)]()

        def hashed() -> Iterator[bytes]:
            for piece in data:
                digest.update(piece)
                yield piece

        content = self._contents.write(institution, _data_key(key), hashed())
        received = Received(sha2, content, key)
        if digest.hexdigest() != sha2:
            self._discard([received])
            detail = f"the content of the part {sha2} has another SHA-2: {digest.hexdigest()}"
            raise Invalid(HASH, "attachment-hash", detail, SECTION)
        return received

    def _discard(self, received: Iterable[Received]) -> None:
        """Deletes contents that no owner was given."""
        for one in received:
            with self._pool.connection() as connection:
                linked = connection.execute(
                    "SELECT FROM lrs.attachments WHERE content_id = %s LIMIT 1",
                    [one.content.content_id],
                ).fetchone()
            if linked is None:
                self._contents.drop(one.content.content_id)

    def _open(self, institution: UUID, content: Content, key: bytes) -> Iterator[bytes]:
        return self._contents.read(institution, content.content_id, _OneKey(_data_key(key)))

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


def _data_key(key: bytes) -> DataKey:
    """A content's key has no person and no row: its id says nothing."""
    return DataKey(UUID(int=0), UUID(int=0), AESGCM(key))
