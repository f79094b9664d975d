"""The query index: compared chunk by chunk along the log, copied where it differs.

Rows of older statements change too: they inherit terms, and erasures delete them. What an erasure
leaves under the terms of persons who are gone has no index row, and is compared by these terms.
"""

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from lrs.keys.blind_index import BlindIndex
from lrs.moves.log import LogCopy, copy_index, prepare
from lrs.moves.sides import LOG_LOCK, Connection, pour
from lrs.postings import of_person

# One line for each row: what it says, and how many of its postings are there.
DIGEST = """
    SELECT count(*), md5(string_agg(line, chr(10) ORDER BY line)) FROM (
        SELECT concat_ws('|', i.originator_id, i.owner, i.author, i.voiding,
            (SELECT string_agg(t::text, ',' ORDER BY t) FROM unnest(i.terms) AS t),
            (SELECT count(*) FROM lrs.postings p
             WHERE p.term = ANY (i.terms) AND p.position = i.position)) AS line
        FROM lrs.statement_index i WHERE i.position = ANY (%(positions)s)
        UNION ALL
        SELECT concat_ws('|', r.target, e.originator_id, r.voiding)
        FROM lrs.statement_refs r JOIN lrs.stored_events e ON e.notification_id = r.position
        WHERE r.position = ANY (%(positions)s)
    ) AS lines
"""
POSTED = "SELECT p.term, p.position FROM lrs.postings p WHERE p.term = ANY (%(terms)s)"

# What differs where any row was written since; costs less than a digest.
VERSIONS = """
    SELECT (SELECT sum(hashtextextended(concat_ws('|', i.position, i.ctid, i.xmin), 0))
            FROM lrs.statement_index i WHERE i.position = ANY (%(positions)s)),
        (SELECT sum(hashtextextended(concat_ws('|', r.target, r.position, r.xmin), 0))
         FROM lrs.statement_refs r WHERE r.position = ANY (%(positions)s))
"""

Tell = Callable[[int], None]
"""Is told how many events were looked at."""


class IndexMirror:
    """Makes the index the same on both sides.

    What was found the same it looks at again only where rows of the source changed since.
    """

    def __init__(self, copy: LogCopy, blind: BlindIndex, tell: Tell) -> None:
        self._copy = copy
        self._blind = blind
        self._tell = tell
        self._same: dict[tuple[int, int], Any] = {}

    def run(self) -> int:
        """Returns how many chunks had to be copied."""
        copy = self._copy
        prepare(copy.target.log)
        copied = looked = 0
        for came_from, here in copy.chunks():
            place = (came_from[0], came_from[-1])
            # Before it is compared: what changes meanwhile shows the next time.
            now = _ask(copy.source.log, VERSIONS, came_from)
            if self._same.get(place) != now:
                if _ask(copy.source.log, DIGEST, came_from) == _ask(copy.target.log, DIGEST, here):
                    self._same[place] = now
                else:
                    _copy(copy, came_from, here)
                    copied += 1
            looked += len(here)
            self._tell(looked)
        return copied + _mirror_left(copy, self._blind)


def _ask(connection: Connection, query: str, positions: list[int]) -> tuple[Any, ...] | None:
    return connection.execute(query.encode(), {"positions": positions}).fetchone()


def _copy(copy: LogCopy, came_from: list[int], here: list[int]) -> None:
    target = copy.target.log
    with target.transaction():
        target.execute("SELECT pg_advisory_xact_lock_shared(%s)", [LOG_LOCK])
        target.execute(
            "DELETE FROM lrs.postings p USING lrs.statement_index i, unnest(i.terms) AS t"
            " WHERE i.position = ANY(%s) AND p.term = t AND p.position = i.position",
            [here],
        )
        for name in ("statement_index", "statement_refs"):
            target.execute(f"DELETE FROM lrs.{name} WHERE position = ANY(%s)".encode(), [here])
        given = {"positions": came_from}
        copy_index(copy.source.log, "= ANY (%(positions)s)", given, target, copy.institution)


def _mirror_left(copy: LogCopy, blind: BlindIndex) -> int:
    """Makes the postings of persons under or after erasure the same; returns 1 if they were not."""
    source, target = copy.source.log, copy.target.log
    rows = source.execute(
        "SELECT pseudonym FROM lrs.fences WHERE institution = %s", [copy.institution]
    )
    given = {"terms": _terms(blind, copy.institution, (person for (person,) in rows))}
    if not given["terms"]:
        return 0
    with target.transaction():
        for name in ("incoming", "wanted"):
            target.execute(f"CREATE TEMP TABLE {name} (LIKE lrs.postings) ON COMMIT DROP".encode())
        pour(source, POSTED, given, target, "incoming")
        target.execute(
            "INSERT INTO wanted SELECT i.term, a.position FROM incoming i"
            " JOIN lrs.arrivals a ON a.institution = %s AND a.came_from = i.position",
            [copy.institution],
        )
        added = target.execute(
            "INSERT INTO lrs.postings SELECT term, position FROM wanted ORDER BY 1, 2"
            " ON CONFLICT DO NOTHING"
        ).rowcount
        gone = target.execute(
            "DELETE FROM lrs.postings p WHERE p.term = ANY (%(terms)s) AND NOT EXISTS (SELECT"
            " FROM wanted w WHERE w.term = p.term AND w.position = p.position)",
            given,
        ).rowcount
    return int(added + gone > 0)


def _terms(blind: BlindIndex, institution: UUID, persons: Iterable[UUID]) -> list[UUID]:
    return [term for person in persons for term in of_person(blind, institution, person)]
