"""How far of the log the views reflect, written in the transaction that makes it true."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from psycopg import Connection

STREAMS = ("facts", "evidence")


class Reached(NamedTuple):
    """A position of the log, and when the event there was recorded."""

    position: int
    time: datetime | None
    offset: int | None = None
    """Kafka offset of the last message that was applied, where it came by Kafka."""


def prepare(connection: Connection[Any], partitions: int) -> None:
    """Makes the rows of all partitions, so that a least position over them means something."""
    connection.execute(
        "INSERT INTO tracking (stream, partition, position)"
        " SELECT s, p, 0 FROM unnest(%s::text[]) s, generate_series(0, %s - 1) p"
        " ORDER BY s, p ON CONFLICT DO NOTHING",
        [list(STREAMS), partitions],
    )


def lock(connection: Connection[Any], stream: str, partitions: Iterable[int]) -> dict[int, Reached]:
    """Returns how far each partition is, and keeps others from moving it until the end."""
    rows = connection.execute(
        "SELECT partition, position, reflected_at, message_offset FROM tracking"
        " WHERE stream = %s AND partition = ANY(%s) ORDER BY partition FOR UPDATE",
        [stream, list(partitions)],
    )
    return {partition: Reached(*reached) for partition, *reached in rows}


def offset_of(connection: Connection[Any], stream: str, partition: int) -> int | None:
    """Returns the offset of the last message that was applied; None where none came by Kafka."""
    row = connection.execute(
        "SELECT message_offset FROM tracking WHERE stream = %s AND partition = %s",
        [stream, partition],
    ).fetchone()
    return row[0] if row else None


def lagging(connection: Connection[Any]) -> dict[tuple[str, int], int]:
    """Returns the position of each partition, by stream and number, that has messages waiting."""
    rows = connection.execute(
        "SELECT t.stream, t.partition, t.position FROM tracking t"
        " JOIN streams.chains c USING (stream, partition) WHERE c.position > t.position"
    )
    return {(stream, partition): position for stream, partition, position in rows}


def advance(connection: Connection[Any], stream: str, reached: Mapping[int, Reached]) -> None:
    """Writes how far the partitions are now."""
    partitions = sorted(reached)
    connection.execute(
        "UPDATE tracking t SET position = r.position, reflected_at = r.reflected_at,"
        "  message_offset = r.message_offset"
        " FROM unnest(%s::int[], %s::bigint[], %s::timestamptz[], %s::bigint[])"
        "  AS r (partition, position, reflected_at, message_offset)"
        " WHERE t.stream = %s AND t.partition = r.partition",
        [
            partitions,
            [reached[p].position for p in partitions],
            [reached[p].time for p in partitions],
            [reached[p].offset for p in partitions],
            stream,
        ],
    )


def reflected(connection: Connection[Any]) -> Reached:
    """Returns the position up to which every view holds everything; 0 before the first."""
    row = connection.execute(
        "SELECT position, reflected_at FROM views.tracking ORDER BY position LIMIT 1"
    ).fetchone()
    return Reached(*row) if row else Reached(0, None)
