"""Raw binary COPY of what ingest has written: the yardstick beside every rate of it.

The rows are those of the same repeat, ciphertext and all. They go into tables of the same columns,
constraints and indexes (`LIKE ... INCLUDING ALL`: for the log, the primary key on stream and
version and the unique index on the position). For comparison, the log's rows go into a table
without any index, and the rows of log, index and postings go in one after the other: all that a
statement becomes. Nothing is parsed, judged, sealed or compared, and nothing is committed before
the end.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import psycopg

from tests.bench.place import Place

HEADER = 19
TRAILER = b"\xff\xff"
BLOCK = 1 << 18
LOG = (
    "stored_events",
    "(SELECT * FROM lrs.stored_events WHERE topic = 'statement.stored' ORDER BY notification_id)",
)
INDEX = ("statement_index", "(SELECT * FROM lrs.statement_index ORDER BY position)")
POSTINGS = ("postings", "(SELECT * FROM lrs.postings ORDER BY position, term)")

Connection = psycopg.Connection[Any]


@dataclass(frozen=True)
class Copied:
    """Statements a second: their rows of the log, by one and by two connections and without
    indexes; and all rows that they are, by one.
    """

    bytes_per_row: float
    one: float
    two: float
    bare: float
    whole: float


@dataclass(frozen=True)
class Rows:
    """Rows of a table in COPY's binary format, after its header."""

    table: str
    header: bytes
    rows: list[bytes]

    def streams(self, count: int) -> list[bytes]:
        """Returns the rows in so many parts, each a whole COPY."""
        share = -(-len(self.rows) // count)
        return [
            b"".join((self.header, *self.rows[first : first + share], TRAILER))
            for first in range(0, len(self.rows), share)
        ]


def raw_copy(place: Place) -> Copied:
    """Returns how fast the statements' rows go into tables made for this."""
    log, *beside = [_rows(place, *source) for source in (LOG, INDEX, POSTINGS)]
    count = len(log.rows)
    return Copied(
        sum(map(len, log.rows)) / count,
        count / _copy(place, [log], 1),
        count / _copy(place, [log], 2),
        count / _copy(place, [log], 1, like=""),
        count / _copy(place, [log, *beside], 1),
    )


def _rows(place: Place, table: str, query: str) -> Rows:
    with (
        psycopg.connect(place.settings.admin_dsn) as connection,
        connection.cursor() as cursor,
        cursor.copy(f"COPY {query} TO STDOUT (FORMAT binary)".encode()) as copy,
    ):
        rows = [bytes(chunk) for chunk in copy]
    header, rows[0] = rows[0][:HEADER], rows[0][HEADER:]
    return Rows(table, header, [row for row in rows if row not in (b"", TRAILER)])


def _copy(
    place: Place, tables: Sequence[Rows], connections: int, like: str = "INCLUDING ALL"
) -> float:
    """Returns the seconds that COPY takes, indexes and commits included."""
    parts = [found.streams(connections) for found in tables]
    for found in tables:
        place.do(f"CREATE TABLE lrs.copied_{found.table} (LIKE lrs.{found.table} {like})")
    place.do("CHECKPOINT")
    held = [psycopg.connect(place.settings.admin_dsn) for _ in range(connections)]
    with ThreadPoolExecutor(connections) as pool:
        started = time.perf_counter()
        work = [
            pool.submit(
                _stream, connection, [(f.table, p[n]) for f, p in zip(tables, parts, strict=True)]
            )
            for n, connection in enumerate(held)
        ]
        for each in work:
            each.result()
        seconds = time.perf_counter() - started
    for connection in held:
        connection.close()
    for found in tables:
        place.do(f"DROP TABLE lrs.copied_{found.table}")
    return seconds


def _stream(connection: Connection, tables: Sequence[tuple[str, bytes]]) -> None:
    for table, content in tables:
        view = memoryview(content)
        query = f"COPY lrs.copied_{table} FROM STDIN (FORMAT binary)"
        with connection.cursor() as cursor, cursor.copy(query.encode()) as copy:
            for first in range(0, len(content), BLOCK):
                copy.write(view[first : first + BLOCK])
    connection.commit()
