"""What each missing migration really locks, by applying it and asking the database.

`python -m tests.integration.migrations.locks` prints it for the database of the release before, as
the header of each file should say it.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

import psycopg

from infra.local.postgres import Postgres
from infra.migrations import SERIES, Migration, book, migrations
from infra.migrations.apply import INDEX
from lrs.settings import Settings
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
    "SELECT c.oid, n.nspname || '.' || c.relname FROM pg_class c"
    " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p')"
    " AND n.nspname IN ('lrs', 'keystore', 'views', 'streams')"
)


def derive(settings: Settings) -> list[tuple[Migration, Locks]]:
    """Applies what is missing, and returns what each file locked of what was there before."""
    found: list[tuple[Migration, Locks]] = []
    for series in SERIES:
        dsn = settings.keystore_admin_dsn if series.on_keystore else settings.admin_dsn
        with psycopg.connect(dsn, autocommit=True) as connection:
            book.ensure(connection)
            lacking = book.missing(connection, migrations(series))
            found += [(migration, _apply(connection, migration)) for migration in lacking]
    return found


def header(locks: Locks) -> str:
    """Returns the lines that a file with these locks begins with."""
    return "".join(f"-- Locks {table}: {mode}\n" for table, mode in locks.items())


def _apply(connection: psycopg.Connection[Any], migration: Migration) -> Locks:
    tables: dict[int, str] = dict(connection.execute(_THERE).fetchall())
    statements = migration.statements if migration.concurrent else [migration.sql]
    held: dict[str, int] = {}
    for statement in statements:
        if index := INDEX.match(statement):
            # Cannot run in a transaction, so cannot be asked afterwards.
            connection.execute(statement.encode())
            table = statement[: index.end()].split()[-1]
            _note(held, table, MODES.index("SHARE UPDATE EXCLUSIVE"))
            continue
        with connection.transaction():
            connection.execute(statement.encode())
            rows = connection.execute(
                "SELECT relation, mode FROM pg_locks WHERE pid = pg_backend_pid()"
                " AND locktype = 'relation'"
            ).fetchall()
        for relation, lock in rows:
            mode = _spaced(lock)
            if relation in tables and mode in MODES:
                _note(held, tables[relation], MODES.index(mode))
    with connection.transaction():
        book.enter(connection, migration)
    return {table: MODES[held[table]] for table in sorted(held)}


def _note(held: dict[str, int], table: str, strength: int) -> None:
    held[table] = max(strength, held.get(table, 0))


def _spaced(lock: str) -> str:
    words = "".join(f" {letter}" if letter.isupper() else letter for letter in lock)
    return words.strip().removesuffix(" Lock").upper()


def main() -> None:
    """Prints the headers."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        server = Postgres(Path(folder) / "postgres")
        server.start()
        try:
            for migration, locks in derive(restore(server, RELEASES[-1], Path(folder))):
                sys.stdout.write(f"{migration.series} {migration.name}\n{header(locks)}\n")
        finally:
            server.stop()


if __name__ == "__main__":
    main()
