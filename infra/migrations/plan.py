"""What `migrate` would do: files in order, tables they lock, how large these are. Only reads."""

import math
from dataclasses import dataclass, field
from typing import Any

import psycopg

from infra.migrations import book
from infra.migrations.files import SERIES, Migration, migrations
from lrs.settings import Settings

BLOCKS = {
    "SHARE UPDATE EXCLUSIVE": "nobody but vacuum and other changes of schema",
    "SHARE": "writers",
    "SHARE ROW EXCLUSIVE": "writers",
    "EXCLUSIVE": "writers",
    "ACCESS EXCLUSIVE": "readers and writers",
}
BYTES_PER_SECOND = 50_000_000
"""Assumed of a concurrent step that reads or indexes a table."""


@dataclass(frozen=True)
class Lock:
    """A table that is there already, and how a step locks it."""

    table: str
    mode: str
    rows: int
    bytes: int

    @property
    def blocks(self) -> str:
        """Whom the lock keeps out while it is held."""
        return BLOCKS[self.mode]


@dataclass(frozen=True)
class Step:
    """One migration that is missing."""

    migration: Migration
    locks: list[Lock] = field(default_factory=list)

    @property
    def seconds(self) -> int:
        """About how long it takes: a transaction holds its locks for a moment, whatever the size;
        a concurrent file reads its tables once for each statement at most."""
        if not self.migration.concurrent:
            return 0
        size = sum(lock.bytes for lock in self.locks)
        return math.ceil(size / BYTES_PER_SECOND)


def plan(settings: Settings) -> list[Step]:
    """Returns what is missing, in order; changes nothing. Raises Newer or Changed as `migrate`."""
    steps: list[Step] = []
    for series in SERIES:
        dsn = settings.keystore_admin_dsn if series.on_keystore else settings.admin_dsn
        with psycopg.connect(dsn) as connection:
            connection.read_only = True
            steps += [
                Step(migration, _locks(connection, migration))
                for migration in book.missing(connection, migrations(series))
            ]
    return steps


def _locks(connection: psycopg.Connection[Any], migration: Migration) -> list[Lock]:
    found = []
    for table, mode in migration.locks.items():
        row = connection.execute(
            "SELECT greatest(reltuples, 0)::bigint, pg_total_relation_size(oid)"
            " FROM pg_class WHERE oid = to_regclass(%s)",
            [table],
        ).fetchone()
        # A table that another missing file makes is empty.
        found.append(Lock(table, mode, *(row or (0, 0))))
    return found
