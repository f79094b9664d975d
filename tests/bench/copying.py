"""Raw binary COPY of the sealed rows of a log: the yardstick beside every rate of ingest.

The rows are those that ingest has just written, ciphertext and all. They go into a table of the
same columns, constraints and indexes (`LIKE lrs.stored_events INCLUDING ALL`: the primary key
on stream and version, the unique index on the position), and for comparison into one without any
index. No index of the reads is written, no digest compared, nothing parsed or sealed.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import psycopg

from tests.bench.place import Place

HEADER = 19
TRAILER = b"\xff\xff"
BLOCK = 1 << 18


@dataclass(frozen=True)
class Copied:
    """Rows a second: into an equal table by one and by two connections; by one without indexes."""

    rows: int
    bytes_per_row: float
    one: float
    two: float
    bare: float


def raw_copy(place: Place) -> Copied:
    """Returns how fast the statements' rows of the log go into tables made for this."""
    header, rows = _rows(place.settings.admin_dsn)
    count = len(rows)
    return Copied(
        count,
        sum(map(len, rows)) / count,
        count / _copy(place, header, rows, "INCLUDING ALL", 1),
        count / _copy(place, header, rows, "INCLUDING ALL", 2),
        count / _copy(place, header, rows, "", 1),
    )


def _rows(dsn: str) -> tuple[bytes, list[bytes]]:
    """Returns COPY's binary header and each row."""
    query = (
        "COPY (SELECT * FROM lrs.stored_events WHERE topic = 'statement.stored'"
        " ORDER BY notification_id) TO STDOUT (FORMAT binary)"
    )
    with (
        psycopg.connect(dsn) as connection,
        connection.cursor() as cursor,
        cursor.copy(query.encode()) as copy,
    ):
        rows = [bytes(chunk) for chunk in copy]
    header, rows[0] = rows[0][:HEADER], rows[0][HEADER:]
    return header, [row for row in rows if row not in (b"", TRAILER)]


def _copy(place: Place, header: bytes, rows: list[bytes], like: str, connections: int) -> float:
    """Returns the seconds that COPY takes, indexes and commits included."""
    place.do(f"CREATE TABLE lrs.copied (LIKE lrs.stored_events {like})")
    place.do("CHECKPOINT")
    share = -(-len(rows) // connections)
    streams = [
        b"".join((header, *rows[first : first + share], TRAILER))
        for first in range(0, len(rows), share)
    ]
    dsn = place.settings.admin_dsn
    with ThreadPoolExecutor(connections) as pool:
        held = [psycopg.connect(dsn) for _ in streams]
        started = time.perf_counter()
        list(pool.map(_stream, held, streams))
        seconds = time.perf_counter() - started
    for connection in held:
        connection.close()
    place.do("DROP TABLE lrs.copied")
    return seconds


def _stream(connection: psycopg.Connection, content: bytes) -> None:
    view = memoryview(content)
    with (
        connection.cursor() as cursor,
        cursor.copy("COPY lrs.copied FROM STDIN (FORMAT binary)") as copy,
    ):
        for first in range(0, len(content), BLOCK):
            copy.write(view[first : first + BLOCK])
    connection.commit()
