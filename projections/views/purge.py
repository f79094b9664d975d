"""Erasure: every row of a learner leaves the views, or every row of an institution."""

from collections.abc import Callable, Sequence
from functools import partial
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

INSTITUTION_TABLES = (
    *LEARNER_TABLES,
    "activities",
    "items",
    "skills",
    "evaluations",
    "outline_items",
    "outlines",
)
"""Every table with an institution column; the test compares these too."""

PAGE = 5000

SCHEMAS = ("views", "views_next")
"""The views, and those that a rebuild is making beside them."""


class ViewsPurger:
    """A `domain.erasure.Purger` and `domain.closure.Holding` of the views.

    Only after the learner, or the institution, is fenced.
    """

    name = "views"

    def __init__(self, pool: ConnectionPool[Any]) -> None:
        self._pool = pool

    def count(self, institution: UUID, pseudonym: UUID) -> int:
        """Returns how many rows the views hold of the learner."""
        return self._count(LEARNER_TABLES, institution=institution, learner=pseudonym)

    def purge(self, institution: UUID, pseudonym: UUID) -> int:
        """Deletes the learner's rows, once no fold is under way; returns how many."""
        return self._purge(lambda to: delete_learner(to, institution, pseudonym))

    def count_all(self, institution: UUID) -> int:
        """Returns how many rows the views hold of the institution."""
        return self._count(INSTITUTION_TABLES, institution=institution)

    def purge_all(self, institution: UUID) -> int:
        """Deletes the institution's rows, once no fold is under way; returns how many."""
        purged = 0
        for table in INSTITUTION_TABLES:
            delete = partial(_delete, table=table, institution=institution)
            # Page by page, so that the folds of others go on in between.
            while gone := self._purge(delete):
                purged += gone
        return purged

    def _count(self, tables: Sequence[str], **values: UUID) -> int:
        where = sql.SQL(" AND ").join(
            sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name))
            for name in values
        )
        counts = 0
        with self._pool.connection() as connection:
            for schema in _schemas(connection):
                for table in tables:
                    row = connection.execute(
                        sql.SQL("SELECT count(*) FROM {} WHERE {}").format(
                            sql.Identifier(schema, table), where
                        ),
                        values,
                    ).fetchone()
                    counts += row[0] if row else 0
        return counts

    def _purge(self, delete: Callable[[Connection[Any]], int]) -> int:
        with self._pool.connection() as connection, connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [VIEWS_LOCK])
            gone = 0
            for schema in _schemas(connection):
                connection.execute(
                    sql.SQL("SET LOCAL search_path = {}").format(sql.Identifier(schema))
                )
                gone += delete(connection)
            return gone


def _delete(connection: Connection[Any], table: str, institution: UUID) -> int:
    gone: int = connection.execute(
        sql.SQL(
            "DELETE FROM {table} WHERE ctid = ANY (ARRAY("
            "SELECT ctid FROM {table} WHERE institution = %s LIMIT %s))"
        ).format(table=sql.Identifier(table)),
        [institution, PAGE],
    ).rowcount
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
