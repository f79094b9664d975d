"""Following: the statements that match some terms, as they come into the log.

For whoever keeps a place in the log and goes on from it: forwarding, live streams. What matches is
what `lrs.queries` would give: voided statements not, and statements that refer to a match too. One
that came before what it refers to matches only from then on, and is given then.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg_pool import ConnectionPool

from domain.statements.events import StatementStored
from lrs.notifications import Recorded
from lrs.postings import Alternatives
from lrs.store import RecordStore

WINDOW = 5000
"""Positions that one look covers at most, so that rare matches cost bounded queries."""

VISIBLE = (
    "(i.voiding OR (SELECT v.voiding FROM lrs.statement_refs v"
    " WHERE v.target = i.originator_id AND v.voiding LIMIT 1) IS NULL)"
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

    def look(self, institution: UUID, terms: Alternatives, after: int, limit: int) -> Look:
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

    def _new(self, terms: Alternatives, after: int, through: int, limit: int) -> list[int]:
        """Returns positions of matches within (after, through]."""
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT i.position FROM (SELECT DISTINCT position FROM lrs.postings"
                "  WHERE term = ANY(%s) AND position > %s AND position <= %s) p"
                " JOIN lrs.statement_index i USING (position)"
                f" WHERE i.position > %s AND i.position <= %s AND {VISIBLE}{_also(terms[1:])}"
                " ORDER BY i.position LIMIT %s",
                [
                    *(list(terms[0]), after, through, after, through),
                    *(*_sought(terms[1:], after, through), limit),
                ],
            ).fetchall()
        return [row[0] for row in rows]

    def _late(self, terms: Alternatives, after: int, through: int) -> list[tuple[int, int]]:
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
                " JOIN lrs.statement_index i USING (position)"
                f" WHERE late.position <= %s AND {VISIBLE}{_also(terms)}",
                [after, through, after, *_sought(terms, 0, after)],
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


def _also(terms: Alternatives) -> str:
    # The bounds say nothing new: they keep any plan within the window, whatever it believes.
    return (
        " AND EXISTS (SELECT FROM lrs.postings p WHERE p.term = ANY(%s)"
        " AND p.position = i.position AND p.position > %s AND p.position <= %s)"
    ) * len(terms)


def _sought(terms: Alternatives, after: int, through: int) -> list[Any]:
    return [value for either in terms for value in (list(either), after, through)]
