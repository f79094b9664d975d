"""Tenants: what every request asks of its institution, from memory that is renewed each second.

Is it still open, and is there room for what comes in? A write costs no round trip for that. What a
process let in itself it adds to what was counted, until that is counted too; of what others let in
it knows what was counted last. So a quota is overshot by no more than what other processes accept
within `COUNT_SECONDS` and `LOOK_SECONDS` together; with the jobs process gone, `STALE_SECONDS` and
`LOOK_SECONDS`, for then whoever notices counts.
"""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
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

NOTHING = Used()


@dataclass(slots=True)
class Admitted:
    """A write that was let in. Whoever knows its position in the log says so: then it counts here
    until just that position is counted, else until what was committed by its end is.
    """

    statements: int
    size: int
    position: int | None = None
    ended: float = 0.0


@dataclass(slots=True)
class _Room:
    """An institution with a quota: what is counted, and writes of this process that are not yet.

    `pending` is what `ended` comes to.
    """

    quota: Quota
    counted: Used
    under_way: dict[int, Admitted] = field(default_factory=dict)
    ended: list[Admitted] = field(default_factory=list)
    pending: Used = NOTHING

    def used(self) -> Used:
        used = self.counted.plus(self.pending.statements, self.pending.bytes)
        for write in self.under_way.values():
            used = used.plus(write.statements, write.size)
        return used

    def end(self, write: Admitted, *, done: bool) -> None:
        if self.under_way.pop(id(write), None) is not None and done:
            self._keep(write)

    def go_on(self, before: "_Room", position: int, moment: float) -> None:
        """Takes over what `before` had that is not counted up to the position and the moment."""
        self.under_way = before.under_way
        for write in before.ended:
            counted = write.ended < moment if write.position is None else write.position <= position
            if not counted:
                self._keep(write)

    def _keep(self, write: Admitted) -> None:
        self.ended.append(write)
        self.pending = self.pending.plus(write.statements, write.size)


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

    def closed(self, institution: UUID) -> bool:
        """Returns whether the institution was erased, or is being: nobody of it may come in."""
        self._look()
        return institution in self._closed

    def admitting(
        self, institution: UUID, *, statements: int = 0, size: int = 0
    ) -> AbstractContextManager[Admitted]:
        """Lets in a write of so many statements and bytes, as far as there is room.

        `size` is that of the request: it counts until the sealed bytes are counted in its place.
        Raises `QuotaReached` or `DailyQuotaReached`.
        """
        self._look()
        write = Admitted(statements, size)
        if institution not in self._rooms:
            return nullcontext(write)
        return self._within(institution, write)

    @contextmanager
    def _within(self, institution: UUID, write: Admitted) -> Iterator[Admitted]:
        midnight = _to_midnight(datetime.now(UTC))
        count, size = write.statements, write.size
        with self._lock:
            room = self._rooms.get(institution)
            if room is not None:
                check(room.quota, room.used(), statements=count, size=size, midnight=midnight)
                room.under_way[id(write)] = write
        if room is None:
            yield write
            return
        done = False
        try:
            yield write
            done = True
        finally:
            write.ended = time.monotonic()
            with self._lock:
                room = self._rooms.get(institution)
                if room is not None:
                    room.end(write, done=done)

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
                " c.position, q.institution, coalesce(t.statements, 0), coalesce(t.bytes, 0),"
                " coalesce(u.statements, 0), q.statements, q.bytes, q.per_day, q.credentials"
                " FROM lrs.usage_cursor c LEFT JOIN lrs.quotas q ON true"
                " LEFT JOIN lrs.usage_totals t ON t.institution = q.institution"
                " LEFT JOIN lrs.usage u ON u.institution = q.institution"
                "  AND u.day = (now() AT TIME ZONE 'UTC')::date"
            ).fetchall()
        age, position = float(rows[0][0]), rows[0][1]
        rooms = {
            row[2]: _Room(quota_of(row[6:]), Used(*row[3:6])) for row in rows if row[2] is not None
        }
        with self._lock:
            for institution, room in rooms.items():
                before = self._rooms.get(institution)
                if before is not None:
                    room.go_on(before, position, asked - age)
            self._rooms = rooms
            self._closed = frozenset(row[0] for row in closed)
        return age


def _to_midnight(now: datetime) -> int:
    """Returns the seconds until the next day (UTC) begins, at least 1."""
    tomorrow = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return max(1, int((tomorrow - now).total_seconds()) + 1)
