"""Dead letters: what could not be applied, and what waits behind it, kept in order by learner."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row


class Dead(NamedTuple):
    """A message that is put aside."""

    partition: int
    position: int | None
    message_offset: int | None
    institution: UUID | None
    learner: UUID | None
    reason: str
    waiting: bool
    message: bytes | None


class Listed(NamedTuple):
    """A dead letter as it stands, without its content."""

    id: int
    stream: str
    partition: int
    position: int | None
    institution: UUID | None
    learner: UUID | None
    reason: str
    waiting: bool
    died_at: datetime


def keep(connection: Connection[Any], stream: str, dead: Sequence[Dead]) -> None:
    """Puts messages aside; one that is there already stays as it is."""
    if not dead:
        return
    connection.execute(
        "INSERT INTO dead_letters (stream, partition, position, message_offset,"
        "  institution, learner, reason, waiting, message)"
        " SELECT %s, d.* FROM unnest(%s::int[], %s::bigint[], %s::bigint[], %s::uuid[],"
        "  %s::uuid[], %s::text[], %s::boolean[], %s::bytea[])"
        "  AS d (partition, position, message_offset, institution, learner, reason, waiting,"
        "        message)"
        " ON CONFLICT DO NOTHING",
        [stream, *(list(column) for column in zip(*dead, strict=True))],
    )


def blocked(connection: Connection[Any], stream: str, learners: Iterable[UUID]) -> set[UUID]:
    """Returns those of `learners` who have dead letters: their later messages must wait."""
    rows = connection.execute(
        "SELECT DISTINCT learner FROM dead_letters WHERE stream = %s AND learner = ANY(%s)",
        [stream, list(learners)],
    )
    return {learner for (learner,) in rows}


def listed(connection: Connection[Any], after: int = 0, limit: int = 100) -> list[Listed]:
    """Returns dead letters in order of arrival."""
    with connection.cursor(row_factory=class_row(Listed)) as cursor:
        return cursor.execute(
            "SELECT id, stream, partition, position, institution, learner, reason, waiting, died_at"
            " FROM dead_letters WHERE id > %s ORDER BY id LIMIT %s",
            [after, limit],
        ).fetchall()


def unpublished(
    connection: Connection[Any], limit: int = 100
) -> list[tuple[int, str, int, int | None, str]]:
    """Returns (id, stream, partition, position, reason) of what the topic does not have yet."""
    return connection.execute(
        "SELECT id, stream, partition, position, reason FROM dead_letters"
        " WHERE NOT published ORDER BY id LIMIT %s",
        [limit],
    ).fetchall()


def mark_published(connection: Connection[Any], ids: Sequence[int]) -> None:
    """Notes that the dead-letter topic has them."""
    connection.execute("UPDATE dead_letters SET published = true WHERE id = ANY(%s)", [list(ids)])


def drop(connection: Connection[Any], dead_letter: int) -> bool:
    """Gives one up: what it says is never applied. Returns whether it was there."""
    return connection.execute("DELETE FROM dead_letters WHERE id = %s", [dead_letter]).rowcount > 0
