"""Quotas: set by whoever runs the store, as events of the institution; read from rows beside.

What is used of them is `lrs.usage`; how writes are held to them is `lrs.tenants`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg_pool import ConnectionPool

from domain.errors import NotFound
from domain.quotas import UNLIMITED, Quota, QuotaSet, Used, check_credentials
from lrs.store import RecordStore

QUOTA = "statements, bytes, per_day, credentials"


@dataclass(frozen=True)
class Standing:
    """An institution's quota and what is used of it: of all that was recorded before `counted_at`.

    `credentials` is how many there are now.
    """

    quota: Quota
    used: Used
    credentials: int
    counted_at: datetime


class Quotas:
    """The quotas of every institution."""

    def __init__(self, store: RecordStore, pool: ConnectionPool[Any]) -> None:
        self._store = store
        self._pool = pool

    def set(self, institution: UUID, quota: Quota) -> None:
        """Gives the institution this quota in place of the one before, in all processes within
        seconds (`lrs.tenants`). Raises `NotFound`, and `Conflict` where it is set elsewhere now.
        """
        stream = self._store.recorder.select_events(institution)
        if not stream:
            raise NotFound("there is no such institution")
        event = QuotaSet(
            originator_id=institution,
            originator_version=stream[-1].originator_version + 1,
            institution=institution,
            at=datetime.now(UTC),
            quota=quota,
        )

        def row(connection: Connection[Any]) -> None:
            connection.execute(
                f"INSERT INTO lrs.quotas (institution, {QUOTA}) VALUES (%s, %s, %s, %s, %s)"
                " ON CONFLICT (institution) DO UPDATE SET statements = excluded.statements,"
                " bytes = excluded.bytes, per_day = excluded.per_day,"
                " credentials = excluded.credentials".encode(),
                [institution, *quota_values(quota)],
            )

        self._store.append(event, beside=row)

    def get(self, institution: UUID) -> Standing:
        """Returns the institution's quota, unlimited where none was set, and what is used."""
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT c.counted_at, coalesce(t.statements, 0), coalesce(t.bytes, 0),"
                " coalesce(u.statements, 0), (SELECT count(*) FROM lrs.credentials k"
                "  WHERE k.institution = %(of)s AND k.revoked_at IS NULL),"
                " q.statements, q.bytes, q.per_day, q.credentials"
                " FROM lrs.usage_cursor c"
                " LEFT JOIN lrs.quotas q ON q.institution = %(of)s"
                " LEFT JOIN lrs.usage_totals t ON t.institution = %(of)s"
                " LEFT JOIN lrs.usage u ON u.institution = %(of)s"
                "  AND u.day = (now() AT TIME ZONE 'UTC')::date",
                {"of": institution},
            ).fetchone()
        assert row is not None
        counted_at, statements, size, today, credentials, *values = row
        return Standing(quota_of(values), Used(statements, size, today), credentials, counted_at)


def admit_credential(connection: Connection[Any], institution: UUID) -> None:
    """Raises `QuotaReached` where the institution may have no credential more.

    In the transaction that issues one: until it ends nobody else issues one to this institution.
    """
    row = connection.execute(
        f"SELECT {QUOTA} FROM lrs.quotas WHERE institution = %s FOR UPDATE".encode(), [institution]
    ).fetchone()
    quota = UNLIMITED if row is None else quota_of(row)
    if quota.credentials is None:
        return
    counted = connection.execute(
        "SELECT count(*) FROM lrs.credentials WHERE institution = %s AND revoked_at IS NULL",
        [institution],
    ).fetchone()
    assert counted is not None
    check_credentials(quota, counted[0])


def quota_of(row: Any) -> Quota:
    """Returns the quota that the columns `QUOTA` say."""
    statements, size, per_day, credentials = row
    return Quota(statements=statements, bytes=size, per_day=per_day, credentials=credentials)


def quota_values(quota: Quota) -> list[int | None]:
    """Returns the values of the columns `QUOTA`."""
    return [quota.statements, quota.bytes, quota.per_day, quota.credentials]
