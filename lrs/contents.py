"""Contents: what is too large for an event, in sealed chunks. Bytes in, bytes out, any size.

A content is written before the event that names it, and read only through that event; one whose
event was never written is found by nobody, and swept after a while. Erasing its owner's key makes
it unreadable at once.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha1, sha256
from typing import Any
from uuid import UUID, uuid4

from psycopg_pool import ConnectionPool

from lrs.keys.envelope import DataKey, OpensKeys, boxes, place, seal, unseal
from lrs.keys.ring import PersonErased

CHUNK = 256 * 1024

ADRIFT = timedelta(hours=1)
"""How long an upload may take until it is for certain that nothing comes of it any more."""

FURTHER = (
    "INSERT INTO lrs.contents (content_id, number, sealed, institution) VALUES (%s, %s, %b, %s)"
)
# Says in the same statement that it is under way: the database ends that with the row that has it.
FIRST = (
    f"WITH content (content_id) AS ({FURTHER} RETURNING content_id)"
    " INSERT INTO lrs.uploads (content_id) SELECT content_id FROM content"
)


@dataclass(frozen=True, slots=True)
class Content:
    """What was written: id, size in bytes, digests in hex."""

    content_id: UUID
    size: int
    sha1: str
    sha2: str


class Contents:
    """Writes and reads contents, a chunk in memory at a time."""

    def __init__(self, pool: ConnectionPool[Any]) -> None:
        self._pool = pool

    def write(self, institution: UUID, key: DataKey, data: Iterable[bytes]) -> Content:
        """Keeps `data` sealed under `key`; returns how to find it. Keeps nothing where it fails."""
        content_id = uuid4()
        try:
            return self._write(institution, content_id, key, data)
        except BaseException:
            self.drop(content_id)
            raise

    def read(self, institution: UUID, content_id: UUID, keys: OpensKeys) -> Iterator[bytes]:
        """Returns the content, chunk by chunk. Raises `PersonErased` where the key is gone."""
        number = 0
        while (sealed := self._chunk(content_id, number)) is not None:
            ((key_id, box),) = boxes(sealed)
            key = keys.open(key_id)
            if key is None:
                raise PersonErased([])
            yield unseal(key, box, place(institution, content_id, number, "chunk"))
            number += 1

    def drop(self, content_id: UUID) -> int:
        """Deletes the content; returns how many chunks it had."""
        with self._pool.connection() as connection:
            dropped: int = connection.execute(
                "WITH ended AS (DELETE FROM lrs.uploads WHERE content_id = %(content)s)"
                " DELETE FROM lrs.contents WHERE content_id = %(content)s",
                {"content": content_id},
            ).rowcount
        return dropped

    def sweep(self, older: timedelta = ADRIFT) -> int:
        """Deletes what uploads left that began longer ago and never became anything.

        Returns how many uploads that were.
        """
        with self._pool.connection() as connection:
            row = connection.execute("SELECT lrs.sweep_uploads(%s)", [older]).fetchone()
        assert row is not None
        return int(row[0])

    def _write(
        self, institution: UUID, content_id: UUID, key: DataKey, data: Iterable[bytes]
    ) -> Content:
        size, short, long = 0, sha1(usedforsecurity=False), sha256()
        for number, chunk in enumerate(_chunks(data)):
            size += len(chunk)
            short.update(chunk)
            long.update(chunk)
            sealed = seal(key, chunk, place(institution, content_id, number, "chunk"))
            # Each in a transaction of its own: a slow sender must not hold one open.
            with self._pool.connection() as connection:
                connection.execute(
                    FIRST if number == 0 else FURTHER, [content_id, number, sealed, institution]
                )
        return Content(content_id, size, short.hexdigest(), long.hexdigest())

    def _chunk(self, content_id: UUID, number: int) -> bytes | None:
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT sealed FROM lrs.contents WHERE content_id = %s AND number = %s",
                [content_id, number],
                binary=True,
            ).fetchone()
        return None if row is None else row[0]


def _chunks(data: Iterable[bytes]) -> Iterator[bytes]:
    """Returns the same bytes cut evenly."""
    pending = bytearray()
    for piece in data:
        pending += piece
        while len(pending) >= CHUNK:
            yield bytes(pending[:CHUNK])
            del pending[:CHUNK]
    if pending:
        yield bytes(pending)
