"""Usage: what each institution stored, by day; counted from the log after it was written.

No write waits for a count or updates one. Whoever counts goes on from where the last one stopped,
and moves that place in the same transaction: an event counts once, however often counting is cut
short. No people are counted, so that nobody can tell from numbers who was there.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from psycopg.rows import class_row
from psycopg_pool import ConnectionPool

from lrs.store import RecordStore

PAGE = 50_000


@dataclass(frozen=True)
class Day:
    """What an institution stored on a day (UTC).

    Statements count when they are recorded, for ever: their events stay when they are voided or
    erased. `log_bytes` are the sealed bytes of all events, `content_bytes` those of documents' and
    attachments' contents, `freed_bytes` those of contents deleted on that day.
    """

    institution: UUID
    day: date
    statements: int
    documents: int
    log_bytes: int
    content_bytes: int
    freed_bytes: int


@dataclass(frozen=True)
class Total:
    """What an institution holds: statements ever recorded, sealed bytes."""

    institution: UUID
    statements: int
    bytes: int


class Usage:
    """Counts and reads the usage of every institution. Thread-safe."""

    def __init__(self, store: RecordStore, pool: ConnectionPool[Any]) -> None:
        self._store = store
        self._pool = pool

    def count(self) -> bool:
        """Counts what is new; returns whether all is counted that was committed before the call.

        Returns False at once where another is counting.
        """
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT clock_timestamp(), position FROM lrs.usage_cursor"
            ).fetchone()
            assert row is not None
            moment, position = row
        # The head is asked for only if something is new: it makes the writers wait a moment.
        through = self._store.head() if self._store.last() > position else position
        done: bool | None = False
        while done is False:
            with self._pool.connection() as connection:
                row = connection.execute(
                    "SELECT lrs.count_usage(%s, %s, %s)", [through, moment, PAGE]
                ).fetchone()
            assert row is not None
            done = row[0]
        return done is True

    def reached(self) -> tuple[int, datetime]:
        """Returns the log position up to which, and the moment before which, all is counted."""
        with self._pool.connection() as connection:
            row = connection.execute("SELECT position, counted_at FROM lrs.usage_cursor").fetchone()
        assert row is not None
        return row[0], row[1]

    def days(
        self,
        institution: UUID | None,
        since: date | None = None,
        until: date | None = None,
        after: tuple[date, UUID] | None = None,
        limit: int = 50,
    ) -> list[Day]:
        """Returns up to `limit` days from `since` to `until`, oldest first; None: of everybody."""
        day, last = after or (None, None)
        with (
            self._pool.connection() as connection,
            connection.cursor(row_factory=class_row(Day)) as cursor,
        ):
            days: list[Day] = cursor.execute(
                "SELECT * FROM lrs.usage WHERE (%s::uuid IS NULL OR institution = %s)"
                " AND (%s::date IS NULL OR day >= %s) AND (%s::date IS NULL OR day <= %s)"
                " AND (%s::date IS NULL OR (day, institution) > (%s, %s))"
                " ORDER BY day, institution LIMIT %s",
                [*(x for x in (institution, since, until) for _ in "12"), day, day, last, limit],
            ).fetchall()
        return days

    def totals(self) -> list[Total]:
        """Returns what each institution holds."""
        with (
            self._pool.connection() as connection,
            connection.cursor(row_factory=class_row(Total)) as cursor,
        ):
            totals: list[Total] = cursor.execute(
                "SELECT * FROM lrs.usage_totals ORDER BY institution"
            ).fetchall()
        return totals
