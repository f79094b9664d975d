"""Tenants: what every request asks of its institution, from memory that is renewed each second.

Is it still open, and is there room for what comes in? A write costs no round trip for that. What a
process let in itself it adds to what was counted, until that is counted too; of what others let in
it knows as much as was counted `lag` ago. So a quota is never overshot by more than what the other
processes accept within that time: `COUNT_SECONDS` and `LOOK_SECONDS` together; with the jobs
process gone, `STALE_SECONDS` and `LOOK_SECONDS`, for then whoever notices counts.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any
from uuid import UUID

from psycopg_pool import ConnectionPool

from domain.quotas import Quota, Used, check
from lrs.quotas import quota_of
from lrs.usage import Usage

COUNT_SECONDS = 2.0
"""How often the jobs process counts."""
LOOK_SECONDS = 1.0
STALE_SECONDS = 5.0
CLOSED = "KB001"
"""SQLSTATE by which the database refuses rows of an institution that is closed."""
GRAIN = 0.1
"""Seconds: what was let in within so short a time is remembered together."""


@dataclass(slots=True)
class _Admitted:
    """Writes of this process that are not counted yet; `until` is when the last of them ended."""

    until: float
    statements: int
    size: int


@dataclass(slots=True)
class _Room:
    """An institution with a quota. `under_way` are writes that have not ended."""

    quota: Quota
    counted: Used
    under_way: dict[int, tuple[int, int]] = field(default_factory=dict)
    ended: list[_Admitted] = field(default_factory=list)

    def used(self) -> Used:
        pending = [*self.under_way.values(), *((one.statements, one.size) for one in self.ended)]
        return self.counted.plus(sum(n for n, _ in pending), sum(size for _, size in pending))


class Tenants:
    """The institutions as requests need them. Thread-safe; one for each process."""

    def __init__(self, pool: ConnectionPool[Any], usage: Usage) -> None:
        self._pool = pool
        self._usage = usage
        self._looking = Lock()
        self._lock = Lock()
        self._look_at = 0.0
        self._closed: frozenset[UUID] = frozenset()
        self._rooms: dict[UUID, _Room] = {}
        self._writes = 0

    def closed(self, institution: UUID) -> bool:
        """Returns whether the institution was erased, or is being: nobody of it may come in."""
        self._look()
        return institution in self._closed

    @contextmanager
    def admitting(self, institution: UUID, *, statements: int = 0, size: int = 0) -> Iterator[None]:
        """Lets in a write of so many statements and bytes, as far as there is room.

        `size` is that of the request: it counts until the sealed bytes are counted in its place.
        Raises `QuotaReached` or `DailyQuotaReached`.
        """
        self._look()
        if institution not in self._rooms:
            yield
            return
        with self._lock:
            room = self._rooms.get(institution)
            if room is not None:
                midnight = _to_midnight(datetime.now(UTC))
                check(room.quota, room.used(), statements=statements, size=size, midnight=midnight)
                self._writes += 1
                write = self._writes
                room.under_way[write] = (statements, size)
        try:
            yield
        except BaseException:
            statements = size = 0
            raise
        finally:
            if room is not None:
                self._end(institution, write, statements, size)

    def _end(self, institution: UUID, write: int, statements: int, size: int) -> None:
        with self._lock:
            room = self._rooms.get(institution)
            if room is None:
                return
            room.under_way.pop(write, None)
            now = time.monotonic()
            last = room.ended[-1] if room.ended else None
            if last is not None and now - last.until < GRAIN:
                last.until, last.statements = now, last.statements + statements
                last.size += size
            elif statements or size:
                room.ended.append(_Admitted(now, statements, size))

    def _look(self) -> None:
        """Renews what is known, once a second, by one thread; at first all wait for it."""
        if time.monotonic() < self._look_at:
            return
        if not self._looking.acquire(blocking=self._look_at == 0.0):
            return
        try:
            if time.monotonic() >= self._look_at:
                if self._read() > STALE_SECONDS and self._rooms:
                    self._usage.count()
                    self._read()
                self._look_at = time.monotonic() + LOOK_SECONDS
        finally:
            self._looking.release()

    def _read(self) -> float:
        """Reads fences, quotas and counts; returns how many seconds old the counts are."""
        asked = time.monotonic()
        with self._pool.connection() as connection:
            closed = connection.execute(
                "SELECT pseudonym FROM lrs.fences WHERE pseudonym = institution"
            ).fetchall()
            rows = connection.execute(
                "SELECT extract(epoch FROM least(clock_timestamp() - c.counted_at, '1 day')),"
                " q.institution, coalesce(t.statements, 0), coalesce(t.bytes, 0),"
                " coalesce(u.statements, 0), q.statements, q.bytes, q.per_day, q.credentials"
                " FROM lrs.usage_cursor c LEFT JOIN lrs.quotas q ON true"
                " LEFT JOIN lrs.usage_totals t ON t.institution = q.institution"
                " LEFT JOIN lrs.usage u ON u.institution = q.institution"
                "  AND u.day = (now() AT TIME ZONE 'UTC')::date"
            ).fetchall()
        age = float(rows[0][0])
        rooms = {
            institution: _Room(quota_of(quota), Used(*used))
            for _, institution, *used, quota in ((*row[:5], row[5:]) for row in rows)
            if institution is not None
        }
        with self._lock:
            for institution, room in rooms.items():
                before = self._rooms.get(institution)
                if before is not None:
                    room.under_way = before.under_way
                    room.ended = [one for one in before.ended if one.until >= asked - age]
            self._rooms = rooms
            self._closed = frozenset(row[0] for row in closed)
        return age


def _to_midnight(now: datetime) -> int:
    """Returns the seconds until the next day (UTC) begins, at least 1."""
    tomorrow = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return max(1, int((tomorrow - now).total_seconds()) + 1)
