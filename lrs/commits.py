"""Group commit: small writes that come at the same time are sealed and go in together, in one
transaction.

Whoever finds nobody writing leads: takes what waits, commits it, wakes the others, and hands the
lead to the first who came meanwhile. A leader waits for others only while there are some on their
way, and for a few milliseconds at most. A member is answered only when its own rows are durable.
"""

from collections.abc import Callable, Sequence
from threading import Lock

from psycopg import OperationalError
from psycopg_pool import PoolTimeout, TooManyRequests

from domain.statements.events import StatementStored
from lrs.recorder import IndexRows

SMALL = 25
"""Statements of a write that waits for others; a larger one fills a transaction by itself."""
SMALL_BYTES = 64 * 1024
"""Bytes of such a write: a group stays far below what Postgres takes in one array."""
GROUP = 500
"""Statements of a transaction."""
PATIENCE = 0.004
"""Seconds that a leader waits for writes which were begun before its own is sent."""

Record = Callable[[Sequence[StatementStored], IndexRows], list[int]]


class _Member:
    """A write, and what became of it. Its turn comes when it was served, or is to lead."""

    def __init__(self, events: Sequence[StatementStored], rows: IndexRows) -> None:
        self.events = events
        self.rows = rows
        self.positions: list[int] | None = None
        self.failure: Exception | None = None
        self.served = False
        self.turn = Lock()
        self.turn.acquire()


class GroupCommit:
    """Commits writes of the threads of one process; entered while a write is made. Thread-safe.

    Where the database is away or has no room, all who wait hear so; what else may be wrong is wrong
    with one of them.
    """

    def __init__(self, record: Record) -> None:
        self._record = record
        self._lock = Lock()
        self._waiting: list[_Member] = []
        self._coming = 0
        self._led = False
        self._patient: Lock | None = None

    def __enter__(self) -> None:
        """Announces a write from its beginning, so that a leader may wait for it."""
        with self._lock:
            self._coming += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._coming -= 1
            self._tell_leader()

    def append(self, events: Sequence[StatementStored], rows: IndexRows) -> list[int]:
        """Returns the position of each statement once they are durable, all or none of them.

        Raises what `record` raises for these alone: a group that is refused for the sake of one
        member is written member by member.
        """
        if len(events) > SMALL or rows.size > SMALL_BYTES:
            return self._record(events, rows)
        member = _Member(events, rows)
        with self._lock:
            self._waiting.append(member)
            self._tell_leader()
            lead = not self._led
            self._led = True
        if not lead:
            member.turn.acquire()
        if not member.served:
            self._lead()
        if member.failure is not None:
            raise member.failure
        if member.positions is None:
            return self._record(member.events, member.rows)
        return member.positions

    def _tell_leader(self) -> None:
        if self._patient is not None and len(self._waiting) >= self._coming:
            self._patient.release()
            self._patient = None

    def _wait_for_others(self) -> None:
        with self._lock:
            if len(self._waiting) >= self._coming:
                return
            complete = self._patient = Lock()
            complete.acquire()
        complete.acquire(timeout=PATIENCE)
        with self._lock:
            self._patient = None

    def _lead(self) -> None:
        self._wait_for_others()
        group = self._take()
        try:
            self._commit(group)
        finally:
            with self._lock:
                successor = self._waiting[0] if self._waiting else None
                self._led = successor is not None
            for member in group[1:]:
                member.served = True
                member.turn.release()
            if successor is not None:
                successor.turn.release()

    def _take(self) -> list[_Member]:
        """Returns the first who waits and as many after them as fit; they wait no longer."""
        with self._lock:
            size = count = 0
            for member in self._waiting:
                size += len(member.events)
                if count and size > GROUP:
                    break
                count += 1
            group, self._waiting = self._waiting[:count], self._waiting[count:]
        return group

    def _commit(self, group: list[_Member]) -> None:
        events = [event for member in group for event in member.events]
        try:
            positions = self._record(events, IndexRows.joined([member.rows for member in group]))
        except (OperationalError, PoolTimeout, TooManyRequests) as error:
            # Whoever waits by now has waited as long: not each group anew for the same reason.
            with self._lock:
                group += self._waiting
                self._waiting = []
            for member in group:
                member.failure = error
        except Exception as error:
            # Whose fault it is shows when each is written alone.
            if len(group) == 1:
                group[0].failure = error
        else:
            start = 0
            for member in group:
                member.positions = positions[start : start + len(member.events)]
                start += len(member.events)
