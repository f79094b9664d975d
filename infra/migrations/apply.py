"""Applies what is missing. One process does it at a time; the others wait and find it done.

Locks that are not free within half a second, all together, are given up: whoever asks for one
queues in front of all later writers. The transaction is rolled back, the writers pass, and it tries
again.
"""

import random
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql
from psycopg.errors import DeadlockDetected, LockNotAvailable

from domain.errors import Error
from infra.migrations import book
from infra.migrations.files import SERIES, Migration, migrations
from lrs.settings import Settings

LOCK = 7000
PATIENCE_SECONDS = 600.0
LOCK_SECONDS = 0.5
LOCK_SECONDS_UNPRIVILEGED = 1.5
"""Autovacuum lets go when somebody has waited deadlock_timeout (1 s), which only some may lower."""
PAUSE_SECONDS = (0.2, 5.0)

INDEX = re.compile(
    r"^CREATE (?:UNIQUE )?INDEX CONCURRENTLY (?!IF )(?P<name>\w+)\s+ON (?P<schema>\w+)\.\w+", re.I
)

Connection = psycopg.Connection[Any]
Tell = Callable[[str], None]


class Blocked(Error):
    """A lock did not come free in time. End what holds it, or come back when it is done."""


def migrate(
    settings: Settings,
    *,
    patience: float = PATIENCE_SECONDS,
    tell: Tell = lambda _: None,
) -> list[Migration]:
    """Applies what is missing of every series; returns what was applied.

    May be ended anywhere and called again. `patience`: seconds to try for a lock, in each step;
    then raises Blocked. `tell` hears of each step, and of what it waits for. Raises Newer or
    Changed, before anything is done, where the database is not what these files expect.
    """
    applied: list[Migration] = []
    for series in SERIES:
        dsn = settings.keystore_admin_dsn if series.on_keystore else settings.admin_dsn
        wanted = migrations(series)
        with psycopg.connect(dsn, autocommit=True) as connection, _alone(connection):
            lacking = book.missing(connection, wanted)
            with connection.transaction():
                book.ensure(connection)
            for migration in lacking:
                tell(f"{migration.series} {migration.name}")
                apply_one(connection, migration, patience=patience, tell=tell)
                applied.append(migration)
            with connection.transaction():
                book.settle(connection, wanted)
    return applied


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    # Polled: a session that waits inside a statement has a snapshot, and CREATE INDEX CONCURRENTLY
    # would wait for that session, which waits for it.
    while not _row(connection, "SELECT pg_try_advisory_lock(%s)", LOCK):
        time.sleep(0.1)
    yield  # the lock goes with the connection


def apply_one(connection: Connection, migration: Migration, *, patience: float, tell: Tell) -> None:
    """Applies one migration and notes it; takes up a concurrent one that was interrupted."""
    if not migration.concurrent:

        def whole() -> None:
            with connection.transaction():
                _take(connection, migration.locks)
                connection.execute(migration.sql.encode())
                book.enter(connection, migration)

        _patiently(connection, migration.name, whole, patience, tell)
        return
    for statement in migration.statements:
        index = INDEX.match(statement)

        def one(statement: str = statement, index: re.Match[str] | None = index) -> None:
            if index is None or not _made(connection, index["schema"], index["name"]):
                connection.execute(statement.encode())

        _patiently(connection, migration.name, one, patience, tell, waits=index is not None)
    book.enter(connection, migration)


def _take(connection: Connection, locks: dict[str, str]) -> None:
    """Takes all locks that a transaction will need, in as long as one may wait for one.

    One after the other, each would be waited for under those that came before.
    """
    allowed = _row(connection, "SELECT setting::int FROM pg_settings WHERE name = 'lock_timeout'")
    until = time.monotonic() + allowed / 1000
    for table, mode in locks.items():
        left = max(1, round((until - time.monotonic()) * 1000))
        connection.execute("SELECT set_config('lock_timeout', %s, true)", [f"{left}ms"])
        connection.execute(
            sql.SQL("LOCK TABLE ONLY {} IN {} MODE").format(
                sql.Identifier(*table.split(".")), sql.SQL(mode)
            )
        )
    connection.execute("SELECT set_config('lock_timeout', %s, true)", [f"{allowed}ms"])


def _made(connection: Connection, schema: str, name: str) -> bool:
    """Returns whether the index is there; drops one that an interruption left invalid."""
    valid = _row(
        connection,
        "SELECT i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
        " WHERE c.relnamespace = to_regnamespace(%s) AND c.relname = %s",
        schema,
        name,
    )
    if valid is False:
        connection.execute(
            sql.SQL("DROP INDEX CONCURRENTLY {}").format(sql.Identifier(schema, name))
        )
    return bool(valid)


def _patiently(
    connection: Connection,
    name: str,
    step: Callable[[], None],
    patience: float,
    tell: Tell,
    *,
    waits: bool = False,
) -> None:
    """Does `step`, again and again while a lock is not free. `waits`: it blocks nobody meanwhile,
    as an index made concurrently, which waits for every older transaction to end."""
    _limit(connection, waits=waits)
    until = time.monotonic() + patience
    pause = PAUSE_SECONDS[0]
    while True:
        try:
            step()
        except (LockNotAvailable, DeadlockDetected) as error:
            if time.monotonic() + pause > until:
                raise Blocked(f"{name}: no lock in {patience:.0f} s; {_longest(connection)}") from (
                    error
                )
            tell(f"{name} waits; {_longest(connection)}")
            time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311
            pause = min(2 * pause, PAUSE_SECONDS[1])
        else:
            return


def _limit(connection: Connection, *, waits: bool) -> None:
    seconds = LOCK_SECONDS_UNPRIVILEGED
    if _row(connection, "SELECT has_parameter_privilege('deadlock_timeout', 'SET')"):
        connection.execute("SELECT set_config('deadlock_timeout', '100ms', false)")
        seconds = LOCK_SECONDS
    limit = "0" if waits else f"{seconds * 1000:.0f}ms"
    connection.execute("SELECT set_config('lock_timeout', %s, false)", [limit])
    # A role may have a limit of its own, made for requests.
    connection.execute("SELECT set_config('statement_timeout', '0', false)")


def _longest(connection: Connection) -> str:
    """Says which session has been in a transaction longest, and never what it does there."""
    row = connection.execute(
        "SELECT pid, coalesce(nullif(application_name, ''), backend_type), state,"
        " extract(epoch FROM clock_timestamp() - xact_start)::int FROM pg_stat_activity"
        " WHERE xact_start IS NOT NULL AND pid <> pg_backend_pid()"
        " AND datname = current_database() ORDER BY xact_start LIMIT 1"
    ).fetchone()
    if row is None:
        return "no transaction is open that this role may see"
    return "pid {} ({}, {}) has been in a transaction for {} s".format(*row)


def _row(connection: Connection, query: str, *parameters: object) -> Any:
    row = connection.execute(query.encode(), parameters).fetchone()
    return row[0] if row else None
