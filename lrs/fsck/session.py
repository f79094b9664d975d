"""What every pass works with: services, connections of its own, and what the run is about.

Each look at the database is one short transaction: a long one would hold back what readers are told
of how far the store is consistent, and the vacuum.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from lrs.fsck.findings import Finding, Found, Kind, Tell
from lrs.services import Services

Connection = psycopg.Connection[Any]

FIRST = -(2**62)
"""Before every position, those too that no writer ever draws."""


@dataclass(frozen=True)
class Scope:
    """What a run is about: positions after `since` up to `head`, of one institution or of all."""

    head: int
    since: int = FIRST
    institution: UUID | None = None

    @property
    def whole(self) -> bool:
        """Whether it is the whole store: only then can be told what nothing names."""
        return self.since == FIRST and self.institution is None

    def has(self, institution: UUID | None) -> bool:
        """Whether something of this institution is within it."""
        return self.institution is None or self.institution == institution


@dataclass(frozen=True)
class Session:
    """One run: where to read, whom to tell, and whether to mend."""

    services: Services
    records: Connection
    keys: Connection
    scope: Scope
    repair: bool
    found: Found
    tell: Tell

    def report(
        self,
        kind: Kind,
        position: int | None = None,
        institution: UUID | None = None,
        subject: UUID | None = None,
    ) -> bool:
        """Tells a finding, unless it is of an institution that the run is not about, or that does
        not live here: what a move copies or leaves behind is its own to clear.

        Returns whether it was told.
        """
        # Asked anew each time: a move may begin at any moment, and clears rows from then on.
        told = self.scope.has(institution) and institution not in elsewhere(self.records)
        if told:
            self.found(Finding(kind, position, institution, subject))
        return told

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Gives the record store as it is at one moment, for reading."""
        with self.records.transaction():
            self.records.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield self.records

    @contextmanager
    def alone(self) -> Iterator[Connection]:
        """Gives the record store while nobody else writes statements or purges their index.

        Writers share this lock, and erasures too: what is read here stays true until the commit.
        """
        with self.records.transaction():
            self.records.execute("SELECT pg_advisory_xact_lock(7001)")
            yield self.records


@contextmanager
def open_session(
    services: Services,
    scope: Scope,
    *,
    repair: bool = False,
    found: Found = lambda _: None,
    tell: Tell = lambda *_: None,
) -> Iterator[Session]:
    """Gives a run over these services, with connections of its own."""
    settings = services.settings
    with (
        closing(connect(settings.dsn)) as records,
        closing(connect(settings.keystore_dsn)) as keystore,
    ):
        yield Session(services, records, keystore, scope, repair, found, tell)


def connect(dsn: str) -> Connection:
    """Returns a connection without the time-outs that requests have."""
    return psycopg.connect(dsn, autocommit=True, application_name="kumbuka fsck")


def elsewhere(records: Connection) -> set[UUID]:
    """Returns the institutions that this database is shut to: they live on another shard."""
    return {row[0] for row in rows(records, "SELECT institution FROM lrs.gates")}


def rows(connection: Connection, query: str, *params: Any) -> list[Any]:
    """Returns all rows of a query."""
    return connection.execute(query.encode(), params, binary=True).fetchall()
