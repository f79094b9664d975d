"""What the record store itself holds of a person, and how each kind of it is purged.

The stored events stay: the log is immutable, and without the keys they say nothing. Of the index
one posting of each statement that names the person stays, in the end as `RELATED_AGENT`, so that a
replay of the pseudonym, which leads to nobody any more, shows what was erased at its position.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol, cast
from uuid import UUID

from psycopg_pool import ConnectionPool

from domain.erasure import Purger
from domain.people import Role
from domain.statements.events import StatementStored
from lrs import postings
from lrs.keys.blind_index import BlindIndex
from lrs.keys.ring import KeyRing
from lrs.people import People
from lrs.pools import number
from lrs.recorder import LOG_LOCK
from lrs.store import RecordStore

PAGE = 1000

Persons = Mapping[UUID, tuple[UUID, ...]]
"""Pseudonyms to be forgotten; with its members where one stands for an anonymous Group."""

Tell = Callable[[int], None]
"""Is told how many rows of a store are gone, while it is purged."""


class Trace(Protocol):
    """A store of the erasure's persons together. `purge` may be done again at any time."""

    name: str

    def count(self, institution: UUID, persons: Persons) -> int:
        """Returns how many rows there are."""
        ...

    def purge(self, institution: UUID, persons: Persons, tell: Tell) -> int:
        """Deletes them; returns how many."""
        ...


class Keys:
    """Data keys; without them every ciphertext of the person is noise."""

    name = "keys"

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    def count(self, institution: UUID, persons: Persons) -> int:
        return self._ring.count(institution, persons)

    def purge(self, institution: UUID, persons: Persons, tell: Tell) -> int:  # noqa: ARG002
        return sum(self._ring.revoke(institution, person) for person in persons)


class Identifiers:
    """The blind index of people: what leads from an identifier to the pseudonym."""

    name = "identifiers"

    def __init__(self, pool: ConnectionPool[Any], people: People) -> None:
        self._pool = pool
        self._people = people

    def count(self, institution: UUID, persons: Persons) -> int:
        query = "SELECT count(*) FROM lrs.people WHERE institution = %s AND pseudonym = ANY(%s)"
        return number(self._pool, query, [institution, list(persons)])

    def purge(self, institution: UUID, persons: Persons, tell: Tell) -> int:  # noqa: ARG002
        query = "SELECT lrs.forget_people(%s, %s)"
        forgotten = number(self._pool, query, [institution, list(persons)])
        for person in persons:
            self._people.forget(person)
        return forgotten


class OwnStatements:
    """Index rows of the statements that the persons own: reads give them no more."""

    name = "statements"

    def __init__(self, pool: ConnectionPool[Any], blind: BlindIndex) -> None:
        self._pool = pool
        self._blind = blind

    def count(self, institution: UUID, persons: Persons) -> int:
        query = (
            "SELECT count(DISTINCT i.position) FROM lrs.postings p JOIN lrs.statement_index i"
            " USING (position) WHERE p.term = ANY(%s) AND i.owner = ANY(%s)"
        )
        terms = self._naming(institution, persons)
        return number(self._pool, query, [terms, list(persons)])

    def purge(self, institution: UUID, persons: Persons, tell: Tell) -> int:
        kept = self._naming(
            institution, {*persons, *(m for members in persons.values() for m in members)}
        )
        purged = 0
        for term in self._naming(institution, persons):
            after: int | None = 0
            while after is not None:
                with self._pool.connection() as connection:
                    row = connection.execute(
                        "SELECT last, purged FROM lrs.purge_statements(%s, %s, %s, %s, %s)",
                        [term, list(persons), kept, after, PAGE],
                    ).fetchone()
                assert row is not None
                after = row[0]
                purged += row[1]
                tell(purged)
        return purged

    def _naming(self, institution: UUID, persons: Collection[UUID]) -> list[UUID]:
        return [term for p in persons for term in postings.of_person(self._blind, institution, p)]


class AgentPostings:
    """What finds statements by the person as their agent; those of others stay, shown anonymous."""

    name = "agent index"

    def __init__(self, pool: ConnectionPool[Any], blind: BlindIndex) -> None:
        self._pool = pool
        self._blind = blind

    def count(self, institution: UUID, persons: Persons) -> int:
        query = "SELECT count(*) FROM lrs.postings WHERE term = ANY(%s)"
        return number(self._pool, query, [self._terms(institution, persons)])

    def purge(self, institution: UUID, persons: Persons, tell: Tell) -> int:
        purged = 0
        for person in persons:
            terms = postings.of_person(self._blind, institution, person)
            query = "SELECT lrs.demote_term(%s, %s, %s)"
            while gone := number(self._pool, query, [*terms, PAGE]):
                purged += gone
                tell(purged)
        return purged

    def _terms(self, institution: UUID, persons: Persons) -> list[UUID]:
        return [self._blind.term(institution, postings.AGENT, person.hex) for person in persons]


class OwnDocuments:
    """State and profile documents of the persons, with their content.

    Content of earlier versions stays, as their events do: sealed, and the key is gone.
    """

    name = "documents"

    def __init__(self, pool: ConnectionPool[Any]) -> None:
        self._pool = pool

    def count(self, institution: UUID, persons: Persons) -> int:
        query = "SELECT count(*) FROM lrs.documents WHERE institution = %s AND owner = ANY(%s)"
        return number(self._pool, query, [institution, list(persons)])

    def purge(self, institution: UUID, persons: Persons, tell: Tell) -> int:  # noqa: ARG002
        query = (
            "WITH doomed AS (DELETE FROM lrs.documents WHERE institution = %s AND owner = ANY(%s)"
            " RETURNING content_id), emptied AS (DELETE FROM lrs.contents c USING doomed"
            " WHERE c.content_id = doomed.content_id) SELECT count(*) FROM doomed"
        )
        return number(self._pool, query, [institution, list(persons)])


class OwnAttachments:
    """The persons' keys to attachments; a content goes with the last who had one."""

    name = "attachments"

    def __init__(self, pool: ConnectionPool[Any]) -> None:
        self._pool = pool

    def count(self, institution: UUID, persons: Persons) -> int:
        query = "SELECT count(*) FROM lrs.attachments WHERE institution = %s AND owner = ANY(%s)"
        return number(self._pool, query, [institution, list(persons)])

    def purge(self, institution: UUID, persons: Persons, tell: Tell) -> int:  # noqa: ARG002
        query = (
            "WITH doomed AS (DELETE FROM lrs.attachments WHERE institution = %(institution)s"
            " AND owner = ANY(%(owners)s) RETURNING content_id), emptied AS ("
            " DELETE FROM lrs.contents c USING doomed WHERE c.content_id = doomed.content_id"
            " AND NOT EXISTS (SELECT FROM lrs.attachments a WHERE a.content_id = c.content_id"
            " AND a.owner <> ALL(%(owners)s))) SELECT count(*) FROM doomed"
        )
        with self._pool.connection() as connection, connection.transaction():
            # Without writers, one of whom could be linking an equal content right now.
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [LOG_LOCK])
            parameters = {"institution": institution, "owners": list(persons)}
            row = connection.execute(query, parameters).fetchone()
        assert row is not None
        return int(row[0])


class Each:
    """A store outside the record store, asked about one person after the other."""

    def __init__(self, purger: Purger) -> None:
        self._purger = purger
        self.name = purger.name

    def count(self, institution: UUID, persons: Persons) -> int:
        return sum(self._purger.count(institution, person) for person in persons)

    def purge(self, institution: UUID, persons: Persons, tell: Tell) -> int:  # noqa: ARG002
        return sum(self._purger.purge(institution, person) for person in persons)


class Mentions:
    """Reads who is named where, as erasures need it."""

    def __init__(self, pool: ConnectionPool[Any], store: RecordStore, blind: BlindIndex) -> None:
        self._pool = pool
        self._store = store
        self._blind = blind

    def roles(self, institution: UUID, person: UUID) -> dict[Role, int]:
        """Returns how many statements that can still be read name the person in each role."""
        counts: dict[Role, int] = {}
        after: int | None = 0
        while after is not None:
            positions = self._column(
                "SELECT DISTINCT position FROM lrs.postings p"
                " JOIN lrs.statement_index i USING (position)"
                " WHERE p.term = ANY(%s) AND position > %s ORDER BY position LIMIT %s",
                [self._naming(institution, person), after, PAGE],
            )
            for event in self._events(positions):
                for role in {ref.role for ref in event.people if ref.pseudonym == person}:
                    counts[role] = counts.get(role, 0) + 1
            after = positions[-1] if len(positions) == PAGE else None
        return dict(sorted(counts.items()))

    def ending_groups(self, institution: UUID, person: UUID) -> dict[UUID, tuple[UUID, ...]]:
        """Returns the anonymous Groups that act and have no member left without this person."""
        samples = self._without_person(institution, person)
        groups: dict[UUID, tuple[UUID, ...]] = {}
        for start in range(0, len(samples), PAGE):
            for event in self._events(samples[start : start + PAGE]):
                members = {p.pseudonym for p in event.people if p.role is Role.ACTOR_MEMBER}
                named = {p.pseudonym for p in event.people}
                if event.owner not in named and person in members:
                    groups[event.owner] = tuple(sorted(members))
        erased = {person, *self._fenced(m for members in groups.values() for m in members)}
        return {group: members for group, members in groups.items() if erased.issuperset(members)}

    def _without_person(self, institution: UUID, person: UUID) -> list[int]:
        """Returns the first statement of each owner of theirs that names the person, where the
        owner is no person: persons are found by their own names.
        """
        query = (
            "SELECT i.owner, min(i.position) FROM lrs.postings p JOIN lrs.statement_index i"
            " USING (position) WHERE p.term = ANY(%s) AND i.owner <> %s GROUP BY i.owner"
        )
        with self._pool.connection() as connection:
            rows = connection.execute(query, [self._naming(institution, person), person])
            owners = rows.fetchall()
        return self._column(
            "SELECT position FROM unnest(%s::bigint[]) AS o (position) WHERE NOT EXISTS ("
            " SELECT FROM unnest(%s::uuid[], %s::bigint[]) AS n (term, position)"
            " JOIN lrs.postings p USING (term, position) WHERE n.position = o.position)"
            " ORDER BY 1",
            [
                [position for _, position in owners],
                [term for owner, _ in owners for term in self._naming(institution, owner)],
                [position for _, position in owners for _ in range(2)],
            ],
        )

    def _fenced(self, pseudonyms: Any) -> list[UUID]:
        return cast(
            list[UUID],
            self._column(
                "SELECT pseudonym FROM lrs.fences WHERE pseudonym = ANY(%s)", [list(pseudonyms)]
            ),
        )

    def _naming(self, institution: UUID, person: UUID) -> list[UUID]:
        return list(postings.of_person(self._blind, institution, person))

    def _events(self, positions: Sequence[int]) -> list[StatementStored]:
        found = self._store.at(positions)
        return [r.event for r in found if isinstance(r.event, StatementStored)]

    def _column(self, query: str, params: list[Any]) -> list[Any]:
        with self._pool.connection() as connection:
            return [row[0] for row in connection.execute(query.encode(), params).fetchall()]
