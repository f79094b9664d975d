"""The two sides of a move: connections with the owner's rights, which the gate lets through."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from domain.errors import Conflict
from lrs import shards
from lrs.settings import Settings

OPTIONS = "-c lrs.mover=on -c timezone=UTC -c statement_timeout=0"
LOG_LOCK = 7001

MOST_BEHIND = 0.05
"""Seconds that the clock of the target may be behind: readers were told of moments that long ago
that nothing is stored before them any more (`lrs.store`)."""

Connection = psycopg.Connection[Any]


@dataclass(frozen=True)
class Side:
    """One shard: its settings, its database and its key store."""

    name: str
    settings: Settings
    log: Connection
    keys: Connection


@contextmanager
def side(settings: Settings, name: str) -> Iterator[Side]:
    """Gives the side of the shard `name`. Raises `NotFound`."""
    its = shards.at(settings, name)
    with connect(its.admin_dsn) as log, connect(its.keystore_admin_dsn) as keys:
        yield Side(name, its, log, keys)


def connect(dsn: str) -> Connection:
    """Returns a connection that the gate takes for a move."""
    return psycopg.connect(dsn, autocommit=True, options=OPTIONS, application_name="kumbuka move")


def check_apart(one: Side, other: Side) -> None:
    """Raises `Conflict` where two shards are one database, or share a key store.

    With one key store what is left in a log could still be read: nothing would tell it from what
    lives there.
    """
    if _identity(one.log) == _identity(other.log):
        raise Conflict(f"the shards {one.name} and {other.name} are one and the same database")
    if _identity(one.keys) == _identity(other.keys):
        raise Conflict(f"the shards {one.name} and {other.name} share a key store: part them first")


def check_clocks(source: Side, target: Side) -> None:
    """Raises `Conflict` where the clock of the target is surely behind: it would give statements
    a `stored` before moments of which the source has said that all is there.
    """
    before = _clock(source)
    behind = before - _clock(target)
    if behind > MOST_BEHIND:
        raise Conflict(
            f"the clock of {target.name} is {behind * 1000:,.0f} ms behind that of {source.name}:"
            " keep both by NTP"
        )


def number(connection: Connection, query: str, parameters: Sequence[Any] = ()) -> int:
    """Returns the number that a query gives; 0 for none."""
    row = connection.execute(query.encode(), parameters).fetchone()
    return int(row[0]) if row and row[0] is not None else 0


def columns(connection: Connection, table: str) -> list[str]:
    """Returns the columns of a table in order."""
    rows = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
        " AND NOT attisdropped AND attgenerated = '' ORDER BY attnum",
        [table],
    )
    return [name for (name,) in rows]


def pour(source: Connection, query: str, parameters: Any, target: Connection, into: str) -> None:
    """Copies what a query gives on one side into a table on the other, as binary."""
    asked = sql.SQL("COPY ({}) TO STDOUT (FORMAT BINARY)").format(sql.SQL(query))
    given = sql.SQL("COPY {} FROM STDIN (FORMAT BINARY)").format(sql.SQL(into))
    with (
        source.cursor() as reader,
        target.cursor() as writer,
        reader.copy(asked, parameters) as out,
        writer.copy(given) as into_it,
    ):
        for block in out:
            into_it.write(block)


def _clock(place: Side) -> float:
    row = place.log.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()
    assert row is not None
    return float(row[0])


def _identity(connection: Connection) -> tuple[int, str]:
    row = connection.execute(
        "SELECT system_identifier, current_database() FROM pg_control_system()"
    ).fetchone()
    assert row is not None
    return row[0], row[1]
