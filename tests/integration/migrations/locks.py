"""What each missing migration really locks, by applying it and asking the database.

`python -m tests.integration.migrations.locks` prints it for the database of the release before, as
the header of each file should say it.
"""

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from infra.local.postgres import Postgres
from infra.migrations import SERIES, Migration, book, migrations
from infra.migrations.apply import INDEX
from lrs.settings import Settings
from tests.conftest import started
from tests.upgrades.restore import RELEASES, restore

MODES = [
    "SHARE UPDATE EXCLUSIVE",
    "SHARE",
    "SHARE ROW EXCLUSIVE",
    "EXCLUSIVE",
    "ACCESS EXCLUSIVE",
]
"""From weak to strong; those of reads and writes are below them."""

Locks = dict[str, str]

_THERE = (
    "SELECT c.oid, n.nspname || '.' || c.relname, pg_relation_filenode(c.oid) FROM pg_class c"
    " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r'"
    " AND n.nspname IN ('lrs', 'keystore', 'views', 'streams')"
)


@dataclass(frozen=True)
class Done:
    """What a migration did to tables that were there before it."""

    migration: Migration
    locks: Locks
    read: set[str]
    """Tables that a transaction read from end to end, so under its locks."""
    rewritten: set[str]


def derive(settings: Settings) -> list[Done]:
    """Applies what is missing, and returns what each file did to what was there before."""
    found: list[Done] = []
    for series in SERIES:
        dsn = settings.keystore_admin_dsn if series.on_keystore else settings.admin_dsn
        with psycopg.connect(dsn, autocommit=True) as connection:
            book.ensure(connection)
            lacking = book.missing(connection, migrations(series))
            found += [_apply(connection, migration) for migration in lacking]
    return found


def header(locks: Locks) -> str:
    """Returns the lines that a file with these locks begins with."""
    return "".join(f"-- Locks {table}: {mode}\n" for table, mode in locks.items())


def _apply(connection: psycopg.Connection[Any], migration: Migration) -> Done:
    before = connection.execute(_THERE).fetchall()
    tables: dict[int, str] = {oid: name for oid, name, _ in before}
    statements = migration.statements if migration.concurrent else [migration.sql]
    held: dict[str, int] = {}
    read: set[str] = set()
    for statement in statements:
        if index := INDEX.match(statement):
            # Cannot run in a transaction, so cannot be asked afterwards.
            connection.execute(statement.encode())
            table = statement[: index.end()].split()[-1]
            _note(held, table, MODES.index("SHARE UPDATE EXCLUSIVE"))
            continue
        with connection.transaction():
            scans = _scans(connection)
            connection.execute(statement.encode())
            rows = connection.execute(
                "SELECT relation, mode FROM pg_locks WHERE pid = pg_backend_pid()"
                " AND locktype = 'relation'"
            ).fetchall()
            scanned = [oid for oid, n in _scans(connection).items() if n > scans.get(oid, 0)]
        for relation, lock in rows:
            mode = _spaced(lock)
            if relation in tables and mode in MODES:
                _note(held, tables[relation], MODES.index(mode))
        if not migration.concurrent:
            read |= {tables[relation] for relation in scanned if relation in tables}
    nodes = {oid: node for oid, _, node in connection.execute(_THERE).fetchall()}
    rewritten = {name for oid, name, node in before if nodes.get(oid, node) != node}
    with connection.transaction():
        book.enter(connection, migration)
    locks = {table: MODES[held[table]] for table in sorted(held)}
    return Done(migration, locks, read, rewritten)


def _scans(connection: psycopg.Connection[Any]) -> dict[int, int]:
    # Those of earlier transactions are among them until the statistics are written away.
    return dict(connection.execute("SELECT relid, seq_scan FROM pg_stat_xact_user_tables"))


def _note(held: dict[str, int], table: str, strength: int) -> None:
    held[table] = max(strength, held.get(table, 0))


def _spaced(lock: str) -> str:
    words = "".join(f" {letter}" if letter.isupper() else letter for letter in lock)
    return words.strip().removesuffix(" Lock").upper()


def main() -> None:
    """Prints the headers."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with started(Postgres(Path(folder) / "postgres")) as server:
            for done in derive(restore(server, RELEASES[-1], Path(folder))):
                name = f"{done.migration.series} {done.migration.name}"
                sys.stdout.write(f"{name}\n{header(done.locks)}\n")


if __name__ == "__main__":
    main()
