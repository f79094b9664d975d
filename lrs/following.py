"""Following: the statements that match some terms, as they come into the log.

For whoever keeps a place in the log and goes on from it: forwarding, live streams. What matches is
what `lrs.queries` would give: voided statements not, and statements that refer to a match too. One
that came before what it refers to matches only from then on, and is given then.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg_pool import ConnectionPool

from domain.statements.events import StatementStored
from lrs.notifications import Recorded
from lrs.store import RecordStore

WINDOW = 5000
"""Positions that one look covers at most, so that rare matches cost bounded queries."""

VISIBLE = (
    "(i.voiding OR NOT EXISTS (SELECT FROM lrs.statement_refs v"
    " WHERE v.target = i.originator_id AND v.voiding))"
    " AND NOT EXISTS (SELECT FROM lrs.fences f WHERE f.pseudonym = i.owner)"
)
"""Neither voided nor of a person who is being erased."""


@dataclass(frozen=True, slots=True)
class Followed:
    """A statement, and the position to go on after once it is dealt with."""

    recorded: Recorded
    resume: int


@dataclass(frozen=True, slots=True)
class Look:
    """What matches after a position, in order, and the position up to which that is all."""

    found: list[Followed]
    reached: int


class Follower:
    """Looks from a position on. Thread-safe; one for each process."""

    def __init__(self, pool: ConnectionPool[Any], store: RecordStore) -> None:
        self._pool = pool
        self._store = store

    def look(self, institution: UUID, terms: Sequence[UUID], after: int, limit: int) -> Look:
        """Returns about `limit` statements after position `after`; does not wait for any.

        More than `limit` only where one statement makes that many older ones match.
        """
        if self._store.last() <= after:
            return Look([], after)
        through = min(self._store.head(), after + WINDOW)
        places = [(position, position) for position in self._new(terms, after, through, limit + 1)]
        if len(places) > limit:
            through = places.pop()[0] - 1
        places += self._late(terms, after, through)
        places.sort()
        if len(places) > limit:
            # Whole groups only: a place that is done must be done with all that belongs to it.
            through = max(places[0][0], places[limit][0] - 1)
            places = [place for place in places if place[0] <= through]
        return Look(self._open(institution, places), through)

    def _new(self, terms: Sequence[UUID], after: int, through: int, limit: int) -> list[int]:
        """Returns positions of matches within (after, through]."""
        with self._pool.connection() as connection:
            rows = connection.execute(
                f"SELECT p0.position FROM lrs.postings p0"
                f" JOIN lrs.statement_index i ON i.position = p0.position {_joins(terms)}"
                f" WHERE p0.term = %s AND p0.position > %s AND p0.position <= %s AND {VISIBLE}"
                f" ORDER BY p0.position LIMIT %s",
                [*terms[1:], terms[0], after, through, limit],
            ).fetchall()
        return [row[0] for row in rows]

    def _late(self, terms: Sequence[UUID], after: int, through: int) -> list[tuple[int, int]]:
        """Returns (place, position) of matches up to `after` that refer, directly or by others, to
        a statement within (after, through], which is their place.
        """
        with self._pool.connection() as connection:
            rows = connection.execute(
                "WITH RECURSIVE late (place, position, stream) AS ("
                " SELECT n.position, i.position, i.originator_id FROM lrs.statement_index n"
                " JOIN lrs.statement_refs r ON r.target = n.originator_id"
                " AND r.position < n.position"
                " JOIN lrs.statement_index i ON i.position = r.position"
                " WHERE n.position > %s AND n.position <= %s"
                " UNION"
                " SELECT late.place, i.position, i.originator_id FROM late"
                " JOIN lrs.statement_refs r ON r.target = late.stream AND r.position < late.place"
                " JOIN lrs.statement_index i ON i.position = r.position"
                ") SELECT late.place, late.position FROM late"
                " JOIN lrs.postings p0 ON p0.position = late.position AND p0.term = %s"
                f" JOIN lrs.statement_index i ON i.position = p0.position {_joins(terms)}"
                f" WHERE late.position <= %s AND {VISIBLE}",
                [after, through, terms[0], *terms[1:], after],
            ).fetchall()
        return [(place, position) for place, position in rows]

    def _open(self, institution: UUID, places: list[tuple[int, int]]) -> list[Followed]:
        opened = {
            recorded.position: recorded
            for recorded in self._store.at([position for _, position in places])
            if isinstance(recorded.event, StatementStored)
            and recorded.event.institution == institution
        }
        last = dict(places)
        return [
            Followed(opened[position], place if position == last[place] else place - 1)
            for place, position in places
            if position in opened
        ]


def _joins(terms: Sequence[UUID]) -> str:
    return "".join(
        f" JOIN lrs.postings p{n} ON p{n}.term = %s AND p{n}.position = p0.position"
        for n in range(1, len(terms))
    )
