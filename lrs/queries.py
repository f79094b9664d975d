"""The way out: one statement, or a page of those that match a filter.

A filter is a list of terms (`lrs.postings`); the page is read from their posting lists in index
order, newest first unless asked otherwise (`lrs.read_page`), so that it costs the page and not the
store. Where matches are rare the page is cut off when its time is spent, and goes on from there.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

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
from lrs.replica import Source
from lrs.store import RecordStore

Json = dict[str, Any]

CLOCK_MARGIN = timedelta(seconds=10)
"""By how much the order of positions may differ from the order of `stored`: writers' time-out."""
LAST = 2**62
"""Beyond every position."""


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
    """Statements in order, and the position to go on from (None at the end).

    There may be none although there is a position to go on from.
    """

    statements: list[Json]
    next: int | None


class Queries:
    """Reads statements of one institution at a time."""

    def __init__(
        self,
        pool: ConnectionPool[Any],
        store: RecordStore,
        people: People,
        blind: BlindIndex,
        *,
        budget: timedelta = timedelta(milliseconds=200),
    ) -> None:
        self._pool = pool
        self._store = store
        self._people = people
        self._blind = blind
        self._budget = budget

    def get(
        self,
        institution: UUID,
        statement_id: UUID,
        *,
        voided: bool = False,
        authority: Json | None = None,
        source: Source | None = None,
    ) -> Json:
        """Returns one statement: a voided one if `voided`, else one that is not.

        Raises `NotFound` otherwise, where it was erased, and where another than `authority`, if
        given, sent it. What a replica has not yet is looked for in the primary.
        """
        author = self._person(institution, authority)
        found = self._select(
            f"SELECT {COLUMNS} FROM lrs.read_statement(%s, %s, %s)",
            [originator_of(institution, statement_id), voided, author],
            source,
        )
        statements = [] if authority and not author else self._open(found)
        if not statements and source is not None and source.on_replica:
            return self.get(institution, statement_id, voided=voided, authority=authority)
        if not statements:
            raise NotFound(f"no {'voided ' if voided else ''}statement has the id {statement_id}")
        return statements[0]

    def page(
        self,
        institution: UUID,
        wanted: Filter,
        limit: int,
        after: int | None,
        source: Source | None = None,
    ) -> Page:
        """Returns up to `limit` statements beyond position `after` in the filter's direction.

        Fewer, even none, where the time of a page was spent before they were found. Reads the
        primary where no `source` is given.
        """
        # A person whom this process remembers is made sure of by the query itself. A replica could
        # still know somebody who was erased, so there the primary is asked first.
        remembering = source is None or not source.on_replica
        rows = self._rows(institution, wanted, limit, after, source, remembering=remembering)
        if remembering and rows == []:
            rows = self._rows(institution, wanted, limit, after, source, remembering=False)
        if not rows:
            return Page([], None)
        *found, reached = rows
        following = found[limit - 1].id if len(found) > limit else reached.id
        return Page(self._open(found[:limit]), following)

    def _rows(
        self,
        institution: UUID,
        wanted: Filter,
        limit: int,
        after: int | None,
        source: Source | None,
        *,
        remembering: bool,
    ) -> list[RecordedEvent] | None:
        """Returns up to one statement more than `limit`, and then the position that all was looked
        at up to. None where nobody is known as agent or authority; nothing where somebody who was
        remembered is known no more.
        """
        person = self._person(institution, wanted.agent, remembering=remembering)
        author = self._person(institution, wanted.authority, remembering=remembering)
        if (wanted.agent and not person) or (wanted.authority and not author):
            return None
        terms = self._sought(institution, wanted, person)
        if author is not None:
            # Found by the term; made sure of by the column, which references do not inherit.
            terms.append(postings.of_person(self._blind, institution, author))
        start = 0 if wanted.ascending else LAST
        return self._select(
            f"SELECT {COLUMNS} FROM lrs.read_page(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                [each for each in (person, author) if each and remembering],
                [either[0] for either in terms],
                [either[1] if len(either) > 1 else None for either in terms],
                start if after is None else after,
                wanted.ascending,
                limit + 1,
                author,
                wanted.since,
                wanted.until,
                CLOCK_MARGIN,
                self._budget,
            ],
            source,
        )

    def terms(self, institution: UUID, wanted: Filter) -> postings.Alternatives | None:
        """Returns what a statement must have to match; None while nobody is known as its agent."""
        person = self._person(institution, wanted.agent)
        if wanted.agent and not person:
            return None
        return self._sought(institution, wanted, person)

    def _sought(
        self, institution: UUID, wanted: Filter, person: UUID | None
    ) -> postings.Alternatives:
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

    def _person(
        self, institution: UUID, agent: Json | None, *, remembering: bool = False
    ) -> UUID | None:
        """Returns the pseudonym; `remembering` may give that of somebody who was erased since."""
        if agent is None:
            return None
        ifi = canonical_ifi(agent) or ""
        found = self._people.remembered(institution, ifi) if remembering else None
        return found or self._people.find(institution, ifi)

    def _select(self, query: str, params: list[Any], source: Source | None) -> list[RecordedEvent]:
        connect = self._pool.connection if source is None else source.connection
        with connect() as connection:
            rows = connection.execute(query.encode(), params, binary=True).fetchall()
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
