"""What the record store holds of an institution, and how each kind of it is purged.

The stored events stay: the log is immutable, and without the keys they say nothing. So do fences of
persons and of their identifiers: keyed hashes that lead to nobody.
"""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from psycopg import sql
from psycopg_pool import ConnectionPool

from domain.closure import Holding
from lrs import postings
from lrs.keys.blind_index import BlindIndex
from lrs.keys.ring import KeyRing
from lrs.people import People
from lrs.pools import number
from lrs.services import Services

PAGE = 1000

Pool = ConnectionPool[Any]

TABLES = {
    "credentials": ("credentials",),
    "identifiers": ("people",),
    "activities": ("activities",),
    "documents": ("documents",),
    "attachments": ("attachments",),
    "contents": ("contents",),
    "quarantine": ("quarantine",),
    "forwardings": ("forwardings",),
    "erasures": ("erasures",),
    "quotas and usage": ("quotas", "usage_notes", "usage", "usage_totals"),
    "institution": ("institutions",),
}
"""Stores that are rows of tables which name the institution, in the order in which they go."""


class Keys:
    """The record key, and the data keys of every person: without them every ciphertext is noise."""

    name = "keys"

    def __init__(self, rings: Sequence[KeyRing]) -> None:
        self._rings = rings

    def count_all(self, institution: UUID) -> int:
        return sum(ring.held(institution) for ring in self._rings)

    def purge_all(self, institution: UUID) -> int:
        return sum(ring.close(institution) for ring in self._rings)


class Rows:
    """Rows of tables, in one database or several."""

    def __init__(self, pools: Sequence[Pool], name: str, tables: Sequence[str]) -> None:
        self._pools = pools
        self._tables = tables
        self.name = name

    def count_all(self, institution: UUID) -> int:
        return sum(
            number(
                pool,
                sql.SQL("SELECT count(*) FROM {} WHERE institution = %s").format(
                    sql.Identifier("lrs", table)
                ),
                [institution],
            )
            for pool in self._pools
            for table in self._tables
        )

    def purge_all(self, institution: UUID) -> int:
        query = sql.SQL("SELECT lrs.purge_institution(%s, %s, %s)")
        purged = 0
        for pool in self._pools:
            for table in self._tables:
                while gone := number(pool, query, [institution, table, PAGE]):
                    purged += gone
        return purged


class Identifiers(Rows):
    """The blind index of people, and what this process remembers of it."""

    def __init__(self, pools: Sequence[Pool], people: People) -> None:
        super().__init__(pools, "identifiers", TABLES["identifiers"])
        self._people = people

    def purge_all(self, institution: UUID) -> int:
        purged = super().purge_all(institution)
        self._people.forget_institution(institution)
        return purged


class Index:
    """Index rows, postings and references of all statements; what erased persons left, too."""

    name = "statements"

    def __init__(self, pool: Pool, blind: BlindIndex) -> None:
        self._pool = pool
        self._blind = blind

    def count_all(self, institution: UUID) -> int:
        query = sql.SQL("SELECT count(*) FROM lrs.postings WHERE term = %s")
        return sum(number(self._pool, query, [term]) for term in self._terms(institution))

    def purge_all(self, institution: UUID) -> int:
        purged = 0
        for term in self._terms(institution):
            after: int | None = 0
            while after is not None:
                with self._pool.connection() as connection:
                    row = connection.execute(
                        "SELECT last, gone FROM lrs.purge_postings(%s, %s, %s)", [term, after, PAGE]
                    ).fetchone()
                assert row is not None
                after = row[0]
                purged += row[1]
        return purged

    def _terms(self, institution: UUID) -> Iterator[UUID]:
        """Yields the term of all, then those by which erased persons' statements are found."""
        yield self._blind.term(institution, postings.ALL, "")
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT pseudonym FROM lrs.fences WHERE institution = %s", [institution]
            ).fetchall()
        for (pseudonym,) in rows:
            yield from postings.of_person(self._blind, institution, pseudonym)


def holdings(services: Services) -> list[Holding]:
    """Returns what the record store holds, in the order in which it goes: the keys first.

    On the shard where the institution lives, and in the directory.
    """
    places = [services, services.directory] if services.directory else [services]
    pools = [place.pool for place in places]
    tables = [
        Identifiers(pools, services.people) if name == "identifiers" else Rows(pools, name, tables)
        for name, tables in TABLES.items()
    ]
    keys = Keys([place.keyring for place in places])
    return [keys, Index(services.pool, services.blind), *tables]
