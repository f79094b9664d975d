"""Placements: where each institution lives, as the directory says. Moving it is `lrs.moves`.

A process may believe a settled placement for `BELIEVE_SECONDS`. Once a move has begun it asks for
each request, and a move waits for longer than that belief lasts before it goes on: so a flip holds
for every request that begins after it, in every process.
"""

import time
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg_pool import ConnectionPool

from domain.placements import HOME, Placement, State

BELIEVE_SECONDS = 1.0
SHUT = "KB003"
"""SQLSTATE of the gate: this database is shut to the institution (`lrs.gate_rows`)."""

HERE = "NOT EXISTS (SELECT FROM lrs.gates g WHERE g.institution = {}.institution)"
"""What rows of institutions are to be worked on: those of others are on their way in or out."""

COLUMNS = "shard, state, other, epoch"


class Placements:
    """The directory of one deployment. Thread-safe; one for each process."""

    def __init__(self, pool: ConnectionPool[Any], *, sharded: bool) -> None:
        self._pool = pool
        self._sharded = sharded
        self._believed: dict[UUID, tuple[float, Placement]] = {}

    def of(self, institution: UUID) -> Placement:
        """Returns where the institution lives now, or lived `BELIEVE_SECONDS` ago if settled."""
        if not self._sharded:
            return Placement(institution)
        until, placement = self._believed.get(institution, (0.0, None))
        asked = time.monotonic()
        if placement is not None and asked < until:
            return placement
        with self._pool.connection() as connection:
            placement = read(connection, institution)
        if placement.state is State.SETTLED:
            self._believed[institution] = (asked + BELIEVE_SECONDS, placement)
        else:
            self._believed.pop(institution, None)
        return placement

    def at(self, shard: str) -> list[UUID]:
        """Returns the institutions that live on a shard, oldest first, but those just arriving,
        and those that are erased.
        """
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT i.institution FROM lrs.institutions i"
                " LEFT JOIN lrs.placements p USING (institution)"
                " WHERE coalesce(p.shard, %s) = %s AND coalesce(p.state, %s) <> %s"
                " AND NOT EXISTS (SELECT FROM lrs.fences f WHERE f.pseudonym = i.institution)"
                " ORDER BY i.created_at, i.institution",
                [HOME, shard, State.SETTLED, State.CLEARING],
            ).fetchall()
        return [institution for (institution,) in rows]

    def moving(self) -> list[UUID]:
        """Returns the institutions whose move is not over, whether anybody carries it on or not."""
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT institution FROM lrs.placements WHERE state <> %s ORDER BY changed_at",
                [State.SETTLED],
            ).fetchall()
        return [institution for (institution,) in rows]

    def arrived(self, pool: ConnectionPool[Any], placement: Placement, position: int) -> int:
        """Returns the position in the log of its shard (`pool`) for one of the log before."""
        with pool.connection() as connection:
            row = connection.execute(
                "SELECT position FROM lrs.arrivals WHERE institution = %s AND epoch = %s"
                " AND came_from <= %s ORDER BY came_from DESC LIMIT 1",
                [placement.institution, placement.epoch, position],
            ).fetchone()
        return row[0] if row else 0


def read(connection: Connection[Any], institution: UUID) -> Placement:
    """Returns the placement as it stands in the directory now."""
    row = connection.execute(
        f"SELECT {COLUMNS} FROM lrs.placements WHERE institution = %s".encode(), [institution]
    ).fetchone()
    if row is None:
        return Placement(institution)
    return Placement(institution, row[0], State(row[1]), row[2], row[3])
