"""The book: which migrations a database has. Kept in the table `migrations.applied` of each.

What stands there must be what our files say: a database that is newer than these files, or a file
that was changed after it was applied, is refused by name.
"""

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql

from domain.errors import Error
from infra.migrations.files import SERIES, Migration, migrations
from lrs.settings import Settings

Connection = psycopg.Connection[Any]


class Newer(Error):
    """The database was migrated by a later release. Start that release, not this one."""


class Changed(Error):
    """A file differs from what was applied. Put the released file back; change by a new one."""


class Outdated(Error):
    """The database lacks migrations. Run `lrs migrate` first."""


def ensure(connection: Connection) -> None:
    """Makes the book, or brings one of the first release into today's form."""
    connection.execute("CREATE SCHEMA IF NOT EXISTS migrations")
    connection.execute(
        "CREATE TABLE IF NOT EXISTS migrations.applied ("
        " series text NOT NULL, number int NOT NULL, name text NOT NULL,"
        " applied_at timestamptz NOT NULL DEFAULT now(), checksum bytea,"
        " CONSTRAINT applied_pkey PRIMARY KEY (series, name))"
    )
    if not _has_checksums(connection):
        # The first release knew no checksums, and one file for each number.
        connection.execute(
            "ALTER TABLE migrations.applied ADD COLUMN checksum bytea,"
            " DROP CONSTRAINT applied_pkey,"
            " ADD CONSTRAINT applied_pkey PRIMARY KEY (series, name)"
        )


def missing(connection: Connection, wanted: Sequence[Migration]) -> list[Migration]:
    """Returns what the database lacks of one series, in order. Raises Newer or Changed."""
    if not wanted:
        return []
    series = wanted[0].series
    exists = connection.execute("SELECT to_regclass('migrations.applied')").fetchone()
    if exists is None or exists[0] is None:
        return list(wanted)
    checksum = "checksum" if _has_checksums(connection) else "NULL"
    rows = connection.execute(
        f"SELECT name, {checksum} FROM migrations.applied WHERE series = %s".encode(), [series]
    )
    applied: dict[str, bytes | None] = dict(rows.fetchall())
    known = {migration.name: migration for migration in wanted}
    if ahead := sorted(applied.keys() - known.keys()):
        raise Newer(
            f"the database has {series} {', '.join(ahead)}, which this release does not know:"
            " it was migrated by a later one; start that"
        )
    for name, migration in known.items():
        if applied.get(name) not in (None, migration.checksum):
            raise Changed(
                f"{series} {name} differs from the file that was applied to this database;"
                " put the released file back"
            )
    return [migration for migration in wanted if migration.name not in applied]


def enter(connection: Connection, migration: Migration) -> None:
    """Notes that `migration` is applied."""
    connection.execute(
        "INSERT INTO migrations.applied (series, number, name, checksum) VALUES (%s, %s, %s, %s)",
        (migration.series, migration.number, migration.name, migration.checksum),
    )


def settle(connection: Connection, wanted: Sequence[Migration]) -> None:
    """Fills in checksums that the first release did not keep, and lets all roles read the book."""
    for migration in wanted:
        connection.execute(
            "UPDATE migrations.applied SET checksum = %s"
            " WHERE series = %s AND name = %s AND checksum IS NULL",
            (migration.checksum, migration.series, migration.name),
        )
    for (role,) in connection.execute(
        "SELECT rolname FROM pg_roles WHERE rolname IN ('lrs_writer', 'lrs_keys', 'lrs_reader')"
    ).fetchall():
        connection.execute(
            sql.SQL(
                "GRANT USAGE ON SCHEMA migrations TO {role};"
                "GRANT SELECT ON migrations.applied TO {role}"
            ).format(role=sql.Identifier(role))
        )


def check(settings: Settings) -> None:
    """Returns where the databases are what this release expects, before a process starts.

    Raises Newer, Changed or Outdated. Asks with the rights of the process, not the owner's.
    """
    for series in SERIES:
        dsn = settings.keystore_dsn if series.on_keystore else settings.dsn
        wanted = migrations(series)
        with psycopg.connect(dsn, autocommit=True, connect_timeout=5) as connection:
            try:
                lacking = missing(connection, wanted)
            except psycopg.errors.InsufficientPrivilege:  # the first release's book was closed
                lacking = wanted
        if lacking:
            names = ", ".join(migration.name for migration in lacking)
            raise Outdated(f"the database lacks {series.name} {names}: run `lrs migrate` first")


def _has_checksums(connection: Connection) -> bool:
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'migrations.applied'::regclass"
        " AND attname = 'checksum')"
    ).fetchone()
    return bool(row and row[0])
