"""Institutions: made once, listed, looked up. What belongs to one is elsewhere.

One that is being erased (`lrs.closure`) is not among them any more.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from psycopg import Connection
from psycopg.rows import class_row
from psycopg_pool import ConnectionPool

from domain.errors import NotFound
from domain.institutions import InstitutionCreated
from lrs.store import RecordStore


@dataclass(frozen=True)
class Institution:
    """A tenant."""

    institution: UUID
    name: str
    created_at: datetime


class Institutions:
    """The tenants of this deployment."""

    def __init__(self, store: RecordStore, pool: ConnectionPool[Any]) -> None:
        self._store = store
        self._pool = pool

    def create(self, name: str) -> Institution:
        """Returns the new institution."""
        made = Institution(uuid4(), name, datetime.now(UTC))
        event = InstitutionCreated(
            originator_id=made.institution,
            originator_version=1,
            institution=made.institution,
            at=made.created_at,
            name=name,
        )

        def row(connection: Connection[Any]) -> None:
            connection.execute(
                "INSERT INTO lrs.institutions (institution, name, created_at) VALUES (%s, %s, %s)",
                (made.institution, made.name, made.created_at),
            )

        self._store.append(event, beside=row)
        return made

    def get(self, institution: UUID) -> Institution:
        """Returns it; raises NotFound."""
        for found in self.list():
            if found.institution == institution:
                return found
        raise NotFound("there is no such institution")

    def list(self) -> list[Institution]:
        """Returns all of them, oldest first."""
        with (
            self._pool.connection() as connection,
            connection.cursor(row_factory=class_row(Institution)) as cursor,
        ):
            rows: list[Institution] = cursor.execute(
                "SELECT institution, name, created_at FROM lrs.institutions i"
                " WHERE NOT EXISTS (SELECT FROM lrs.fences f WHERE f.pseudonym = i.institution)"
                " ORDER BY created_at, institution"
            ).fetchall()
        return rows
