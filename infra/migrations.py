"""Brings the databases to the newest schema: numbered SQL files, forward only, each once.

Each package keeps its own numbered files beside its code; this module only applies them. Several
processes may call it at once: an advisory lock lets one do the work.
"""

import re
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

import psycopg

from lrs.settings import Settings

LOCK = 7000
NAME = re.compile(r"^(\d{4})_[a-z0-9_]+\.sql$")


@dataclass(frozen=True)
class Series:
    """The migrations of one package: its name in the book, its folder, and the DSN they run on."""

    name: str
    package: str
    folder: str
    on_keystore: bool = False


SERIES = (
    Series("lrs", "lrs", "schema"),
    Series("keystore", "lrs", "keys/schema", on_keystore=True),
    Series("projections", "projections", "schema"),
)


@dataclass(frozen=True)
class Migration:
    """One numbered SQL file."""

    series: str
    number: int
    name: str
    sql: str


def migrations(series: Series) -> list[Migration]:
    """Returns the migrations of `series` in order."""
    folder: Traversable = files(series.package)
    for part in series.folder.split("/"):
        folder = folder / part
    found = [
        Migration(series.name, int(match[1]), entry.name, entry.read_text())
        for entry in folder.iterdir()
        if (match := NAME.match(entry.name))
    ]
    return sorted(found, key=lambda migration: migration.number)


def migrate(settings: Settings) -> list[Migration]:
    """Applies what is missing, each file in a transaction of its own; returns what was applied."""
    applied: list[Migration] = []
    for series in SERIES:
        dsn = settings.keystore_admin_dsn if series.on_keystore else settings.admin_dsn
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
            applied += _apply(connection, migrations(series))
    return applied


def _apply(connection: psycopg.Connection, wanted: list[Migration]) -> list[Migration]:
    connection.execute("CREATE SCHEMA IF NOT EXISTS migrations")
    connection.execute(
        "CREATE TABLE IF NOT EXISTS migrations.applied ("
        " series text NOT NULL, number int NOT NULL, name text NOT NULL,"
        " applied_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (series, number))"
    )
    done = set(connection.execute("SELECT series, number FROM migrations.applied").fetchall())
    missing = [m for m in wanted if (m.series, m.number) not in done]
    for migration in missing:
        with connection.transaction():
            connection.execute(migration.sql.encode())
            connection.execute(
                "INSERT INTO migrations.applied (series, number, name) VALUES (%s, %s, %s)",
                (migration.series, migration.number, migration.name),
            )
    return missing
