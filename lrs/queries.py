"""The way out: one statement, or a page of those that match a filter.

A filter is a set of terms (`lrs.postings`); the page is read from their posting lists in index
order, newest first unless asked otherwise, so that it costs the page and not the store.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import sql
from psycopg_pool import ConnectionPool

from domain.errors import NotFound
from domain.people import canonical_ifi
from domain.statements.events import StatementStored, originator_of
from domain.values.timestamp import write
from lrs import postings
from lrs.keys.blind_index import BlindIndex
from lrs.notifications import Recorded, RecordedEvent
from lrs.people import People
from lrs.recorder import COLUMNS
from lrs.store import RecordStore

Json = dict[str, Any]

CLOCK_MARGIN = timedelta(seconds=10)
"""By how much the order of positions may differ from the order of `stored`: writers' time-out."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What to look for; what is None does not narrow. `agent` is an Agent or identified Group.

    `authority` is who must have sent it, to this very statement: not to one that it refers to.
    """

    agent: Json | None = None
    verb: str | None = None
    activity: str | None = None
    registration: UUID | None = None
    related_agents: bool = False
    related_activities: bool = False
    since: datetime | None = None
    until: datetime | None = None
    ascending: bool = False
    authority: Json | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Statements in order, and the position to go on from (None at the end)."""

    statements: list[Json]
    next: int | None


class Queries:
    """Reads statements of one institution at a time."""

    def __init__(
        self, pool: ConnectionPool[Any], store: RecordStore, people: People, blind: BlindIndex
    ) -> None:
        self._pool = pool
        self._store = store
        self._people = people
        self._blind = blind

    def get(
        self,
        institution: UUID,
        statement_id: UUID,
        *,
        voided: bool = False,
        authority: Json | None = None,
    ) -> Json:
        """Returns one statement: a voided one if `voided`, else one that is not.

        Raises `NotFound` otherwise, where it was erased, and where another than `authority`, if
        given, sent it.
        """
        author = None if authority is None else self._author(institution, authority)
        found = self._select(
            "JOIN lrs.statement_index i ON i.position = e.notification_id"
            " WHERE e.originator_id = %s AND e.originator_version = 1"
            " AND (%s::bool OR i.author = %s) AND " + ("{voided}" if voided else "NOT {voided}"),
            [originator_of(institution, statement_id), authority is None, author],
        )
        statements = self._open(found)
        if not statements:
            raise NotFound(f"no {'voided ' if voided else ''}statement has the id {statement_id}")
        return statements[0]

    def page(self, institution: UUID, wanted: Filter, limit: int, after: int | None) -> Page:
        """Returns up to `limit` statements beyond position `after` in the filter's direction."""
        terms = self.terms(institution, wanted)
        if terms is None:
            return Page([], None)
        author = None
        if wanted.authority is not None:
            author = self._author(institution, wanted.authority)
            if author is None:
                return Page([], None)
            # Found by the term; made sure of by the column, which references do not inherit.
            terms.append(postings.of_person(self._blind, institution, author))
        clauses = [
            f"p0.position {'>' if wanted.ascending else '<'} %s",
            "NOT {voided}",
        ]
        clauses += [
            "EXISTS (SELECT FROM lrs.postings p"
            " WHERE p.term = ANY(%s) AND p.position = p0.position)"
            for _ in terms
        ]
        start = 0 if wanted.ascending else 2**62
        params: list[Any] = [start if after is None else after, *map(list, terms)]
        if author is not None:
            clauses.append("i.author = %s")
            params.append(author)
        if wanted.since is not None:
            clauses += ["e.recorded_at > %s", "p0.position > lrs.position_before(%s)"]
            params += [wanted.since, wanted.since - CLOCK_MARGIN]
        if wanted.until is not None:
            clauses += ["e.recorded_at <= %s", "p0.position <= lrs.position_before(%s)"]
            params += [wanted.until, wanted.until + CLOCK_MARGIN]
        order = "ASC" if wanted.ascending else "DESC"
        found = self._select(
            "JOIN lrs.statement_index p0 ON p0.position = e.notification_id"
            " JOIN lrs.statement_index i ON i.position = e.notification_id"
            f" WHERE {' AND '.join(clauses)} ORDER BY p0.position {order} LIMIT %s",
            [*params, limit + 1],
        )
        following = found[limit - 1].id if len(found) > limit else None
        return Page(self._open(found[:limit]), following)

    def terms(self, institution: UUID, wanted: Filter) -> postings.Alternatives | None:
        """Returns what a statement must have to match; None while nobody is known as its agent."""
        person = None
        if wanted.agent is not None:
            person = self._people.find(institution, canonical_ifi(wanted.agent) or "")
            if person is None:
                return None
        return postings.sought(
            self._blind,
            institution,
            person=person,
            verb=wanted.verb,
            activity=wanted.activity,
            registration=wanted.registration,
            related_agents=wanted.related_agents,
            related_activities=wanted.related_activities,
        )

    def _author(self, institution: UUID, authority: Json) -> UUID | None:
        return self._people.find(institution, canonical_ifi(authority) or "")

    def _select(self, rest: str, params: list[Any]) -> list[RecordedEvent]:
        columns = ", ".join(f"e.{column.strip()}" for column in COLUMNS.split(","))
        voided = (
            "(NOT i.voiding AND EXISTS (SELECT FROM lrs.statement_refs r"
            " WHERE r.target = e.originator_id AND r.voiding))"
        )
        query = f"SELECT {columns} FROM lrs.stored_events e {rest}".replace("{voided}", voided)
        with self._pool.connection() as connection:
            rows = connection.execute(sql.SQL(query), params, binary=True).fetchall()
        return [RecordedEvent(*row) for row in rows]

    def _open(self, events: list[RecordedEvent]) -> list[Json]:
        return [
            as_read(recorded)
            for recorded in self._store.mapper.recorded(events)
            if isinstance(recorded.event, StatementStored)
        ]


def as_read(recorded: Recorded) -> Json:
    """Returns a statement as readers get it: with `stored`, and a timestamp if it had none."""
    assert isinstance(recorded.event, StatementStored)
    statement = recorded.event.statement
    stored = write(recorded.recorded_at)
    return {"timestamp": stored, **statement, "stored": stored}
