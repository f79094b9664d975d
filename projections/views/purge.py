"""Erasure: every row of a learner leaves the views."""

from typing import Any
from uuid import UUID

from psycopg import Connection, sql
from psycopg_pool import ConnectionPool

VIEWS_LOCK = 7002
"""Advisory lock: shared by whoever folds, exclusive for who purges or swaps."""

LEARNER_TABLES = (
    "views.facts",
    "views.enrolments",
    "views.daily_facts",
    "views.work",
    "views.evidence",
    "views.abilities",
    "views.mastery",
    "views.flags",
    "streams.dead_letters",
)
"""Every table with a learner column; a test compares with the database's catalogue."""


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
                    ).format(_identifier(table)),
                    [institution, pseudonym],
                ).fetchone()[0]
                for table in LEARNER_TABLES
            )

    def purge(self, institution: UUID, pseudonym: UUID) -> int:
        """Deletes the learner's rows, once no fold is under way; returns how many."""
        with self._pool.connection() as connection, connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [VIEWS_LOCK])
            return delete_learner(connection, institution, pseudonym)


def delete_learner(connection: Connection[Any], institution: UUID, learner: UUID) -> int:
    """Deletes the learner's rows within the caller's transaction; returns how many."""
    return sum(
        connection.execute(
            sql.SQL("DELETE FROM {} WHERE institution = %s AND learner = %s").format(
                _identifier(table)
            ),
            [institution, learner],
        ).rowcount
        for table in LEARNER_TABLES
    )


def _identifier(table: str) -> sql.Identifier:
    return sql.Identifier(*table.split("."))
