"""Erasure: every row of a learner leaves the views."""

from typing import Any
from uuid import UUID

from psycopg import Connection, sql
from psycopg_pool import ConnectionPool

VIEWS_LOCK = 7002
"""Advisory lock: shared by whoever folds, exclusive for who purges or swaps."""

LEARNER_TABLES = (
    "facts",
    "enrolments",
    "daily_facts",
    "work",
    "evidence",
    "abilities",
    "mastery",
    "flags",
    "dead_letters",
)
"""Every table with a learner column; a test compares with the database's catalogue."""

SCHEMAS = ("views", "views_next")
"""The views, and those that a rebuild is making beside them."""


class ViewsPurger:
    """A `domain.erasure.Purger` of the views; only after the learner is fenced."""

    name = "views"

    def __init__(self, pool: ConnectionPool[Any]) -> None:
        self._pool = pool

    def count(self, institution: UUID, pseudonym: UUID) -> int:
        """Returns how many rows the views hold of the learner."""
        with self._pool.connection() as connection:
            return sum(
                connection.execute(
                    sql.SQL(
                        "SELECT count(*) FROM {} WHERE institution = %s AND learner = %s"
                    ).format(sql.Identifier(schema, table)),
                    [institution, pseudonym],
                ).fetchone()[0]
                for schema in _schemas(connection)
                for table in LEARNER_TABLES
            )

    def purge(self, institution: UUID, pseudonym: UUID) -> int:
        """Deletes the learner's rows, once no fold is under way; returns how many."""
        with self._pool.connection() as connection, connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [VIEWS_LOCK])
            gone = 0
            for schema in _schemas(connection):
                connection.execute(
                    sql.SQL("SET LOCAL search_path = {}").format(sql.Identifier(schema))
                )
                gone += delete_learner(connection, institution, pseudonym)
            return gone


def delete_learner(connection: Connection[Any], institution: UUID, learner: UUID) -> int:
    """Deletes the learner's rows within the caller's transaction; returns how many."""
    return sum(
        connection.execute(
            sql.SQL("DELETE FROM {} WHERE institution = %s AND learner = %s").format(
                sql.Identifier(table)
            ),
            [institution, learner],
        ).rowcount
        for table in LEARNER_TABLES
    )


def _schemas(connection: Connection[Any]) -> list[str]:
    rows = connection.execute(
        "SELECT nspname FROM pg_namespace WHERE nspname = ANY(%s) ORDER BY nspname",
        [list(SCHEMAS)],
    )
    return [schema for (schema,) in rows]
