"""Where reads go: to a streaming replica that is near enough, else to the primary.

A replica shows the past, so how far an answer is complete depends on how far the replica is. The
primary is asked, now and then, for a moment before which all is recorded, and then for its place in
the write-ahead log: once the replica has replayed up to there, everything before that moment can be
read in it. What a source says before a query so stays true for it.

Keys, identifiers and whatever is written stay with the primary: an erasure acts on reads of the
replica at once.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any

import psycopg
import structlog
from psycopg_pool import ConnectionPool, PoolTimeout, TooManyRequests

from lrs.pools import open_pool
from lrs.settings import Settings

log = structlog.get_logger("lrs.replica")

FRESH_SECONDS = 0.1
"""How long what a server said is used again: an earlier moment is as true, and asking costs."""
RETRY_SECONDS = 2.0
"""How long a replica that did not answer is left alone."""
CONNECT_SECONDS = 0.5

WRITTEN = "pg_current_wal_insert_lsn()"
REPLAYED = "CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE '0/0' END"

AWAY = (psycopg.OperationalError, PoolTimeout, TooManyRequests)


@dataclass(frozen=True, slots=True)
class Source:
    """A database to read from, and the moment before which everything can be read in it."""

    through: datetime
    on_replica: bool
    connection: Callable[[], Any]
    """Gives a connection, as a context manager; one of the primary where the replica went away."""


@dataclass(frozen=True, slots=True)
class _Mark:
    """Everything before `through` is in the write-ahead log before `place`; and when that was."""

    through: datetime
    place: int
    at: float


class Reads:
    """Chooses where to read. Thread-safe; one for each process and shard.

    `consistent_through` asks the primary; a replica that is more than `max_lag` seconds behind it
    is not read.
    """

    def __init__(
        self,
        primary: ConnectionPool[Any],
        consistent_through: Callable[[], datetime],
        replica: ConnectionPool[Any] | None = None,
        *,
        max_lag: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._primary = primary
        self._replica = replica
        self._consistent_through = consistent_through
        self._max_lag = max_lag
        self._clock = clock
        self._asking = Lock()
        self._looking = Lock()
        self._marks: deque[_Mark] = deque(maxlen=round(max_lag / FRESH_SECONDS) + 10)
        self._reached: _Mark | None = None
        self._marked_at = self._looked_at = self._away_until = float("-inf")

    def source(self) -> Source:
        """Returns where this request reads. Raises what the primary raises when it is away and
        there is no replica to stand in for it.
        """
        if self._replica is not None:
            mark = self._replayed(self._replica)
            if mark is not None:
                return Source(mark.through, True, self._from_replica)
        return Source(self._mark().through, False, self._primary.connection)

    def close(self) -> None:
        """Closes the connections to the replica."""
        if self._replica is not None:
            self._replica.close()

    def _mark(self) -> _Mark:
        """Returns what the primary said within the last while; one request at a time asks."""
        now = self._clock()
        if now - self._marked_at > FRESH_SECONDS and self._asking.acquire(blocking=not self._marks):
            try:
                through = self._consistent_through()
                # Asked for afterwards: all that was committed before that moment is before it.
                place = _asked(self._primary, WRITTEN) if self._replica is not None else 0
                self._marks.append(_Mark(through, place, now))
                self._marked_at = now
            finally:
                self._asking.release()
        return self._marks[-1]

    def _replayed(self, replica: ConnectionPool[Any]) -> _Mark | None:
        """Returns the newest mark that the replica has reached; None where it is away or behind."""
        now = self._clock()
        if now < self._away_until:
            return None
        # Where the primary is away, what it said before stays true while it is new enough.
        with suppress(*AWAY):
            self._mark()
        if now - self._looked_at > FRESH_SECONDS and self._looking.acquire(blocking=False):
            try:
                place = _asked(replica, REPLAYED)
                reached = [mark for mark in list(self._marks) if mark.place <= place]
                self._reached = reached[-1] if reached else None
                self._looked_at = now
            except AWAY as error:
                self._leave_alone(error)
                return None
            finally:
                self._looking.release()
        mark = self._reached
        return mark if mark is not None and now - mark.at <= self._max_lag else None

    @contextmanager
    def _from_replica(self) -> Iterator[psycopg.Connection[Any]]:
        assert self._replica is not None
        with ExitStack() as stack:
            try:
                connection = stack.enter_context(self._replica.connection())
            except AWAY as error:
                self._leave_alone(error)
                connection = stack.enter_context(self._primary.connection())
            yield connection

    def _leave_alone(self, error: Exception) -> None:
        self._away_until = self._clock() + RETRY_SECONDS
        log.warning("the replica is away: reading from the primary", error=type(error).__name__)


def open_replica(settings: Settings) -> ConnectionPool[Any] | None:
    """Returns open connections to the replica; None where there is none."""
    if not settings.replica_dsn:
        return None
    soon = settings.model_copy(update={"pool_timeout": CONNECT_SECONDS})
    return open_pool(settings.replica_dsn, soon, check=ConnectionPool.check_connection)


def _asked(pool: ConnectionPool[Any], place: str) -> int:
    """Returns a place in the write-ahead log as a number of bytes."""
    with pool.connection() as connection:
        row = connection.execute(
            f"SELECT pg_wal_lsn_diff({place}, '0/0')::bigint".encode()
        ).fetchone()
    assert row is not None
    return int(row[0])
