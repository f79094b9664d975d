"""Institutions that move: which of their messages are whose to fold.

While an institution arrives at a shard its log grows there, by the mover's hand, and the mover
folds it into the views (`stream_processors.arrival`): so they are whole when the shard takes over.
An institution that comes back finds events which the stream has passed long ago; to the mover they
are as new as all others. The stream leaves all of that out, and folds what came since. Of what went
away nothing may come back, however late a message is.
"""

from collections.abc import Callable, Collection
from typing import Any
from uuid import UUID

from psycopg import Connection

EVERYTHING = 2**63 - 1
"""Not less than any position."""

Rule = Callable[[Connection[Any], Collection[UUID]], dict[UUID, int]]
"""Returns up to which position messages of institutions are left out; of the others none are.

To be asked under the views' lock: who purges has shut the gate before, and takes that lock after.
"""


def to_stream(connection: Connection[Any], institutions: Collection[UUID]) -> dict[UUID, int]:
    """What the stream leaves to others."""
    rows = connection.execute(
        "SELECT i, CASE WHEN EXISTS (SELECT FROM lrs.gates g"
        "  WHERE g.institution = i AND g.state IN ('arriving', 'left')) THEN %s"
        " ELSE (SELECT a.position FROM lrs.arrivals a WHERE a.institution = i"
        "  ORDER BY a.came_from DESC LIMIT 1) END"
        " FROM unnest(%s::uuid[]) AS i",
        [EVERYTHING, list(institutions)],
    )
    return {institution: position for institution, position in rows if position is not None}


def to_rebuild(connection: Connection[Any], institutions: Collection[UUID]) -> dict[UUID, int]:
    """What a rebuild leaves out: it makes all there is, but not what went away."""
    rows = connection.execute(
        "SELECT institution FROM lrs.gates WHERE institution = ANY(%s) AND state = 'left'",
        [list(institutions)],
    )
    return {institution: EVERYTHING for (institution,) in rows}


def to_mover(_: Connection[Any], __: Collection[UUID]) -> dict[UUID, int]:
    """What a mover leaves out of what it brings: nothing."""
    return {}
