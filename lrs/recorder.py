"""The recorder: one round trip in, one total order out.

It keeps the contract of the library's `ApplicationRecorder`, with two changes measured to matter:
events go in through a database function as binary arrays, and writers hold a *shared* advisory lock
instead of an exclusive table lock. The order stays without gaps because whoever reads the log first
takes that lock exclusively for a moment (`head`) and reads no further than what stood there then.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate, chain
from threading import Event
from typing import Any, cast
from uuid import UUID

import psycopg
from eventsourcing.persistence import (
    ApplicationRecorder,
    IntegrityError,
    Notification,
    StoredEvent,
    Subscription,
)
from psycopg_pool import ConnectionPool

from lrs.arrays import Booleans, Contents, Numbers, Uuids
from lrs.notifications import RecordedEvent

LOG_LOCK = 7001
POLL_SECONDS = 0.05
PAGE = 500

Beside = Callable[[psycopg.Connection[Any]], None]

COLUMNS = "originator_id, originator_version, topic, state, notification_id, recorded_at"


class PersonFenced(Exception):
    """The batch names persons who were fenced after they were resolved."""

    def __init__(self, pseudonyms: frozenset[UUID]) -> None:
        super().__init__("fenced")
        self.pseudonyms = pseudonyms


class ContentConflict(Exception):
    """Streams of the batch hold other statements already."""

    def __init__(self, originators: frozenset[UUID]) -> None:
        super().__init__("conflict")
        self.originators = originators


@dataclass
class IndexRows:
    """What reads need to find the statements of a batch; lists run beside the events."""

    owners: list[UUID] = field(default_factory=list)
    targets: list[UUID | None] = field(default_factory=list)
    voiding: list[bool] = field(default_factory=list)
    terms: list[list[UUID]] = field(default_factory=list)
    digests: list[bytes] = field(default_factory=list)
    named: dict[int, UUID] = field(default_factory=dict)
    """Whoever is named, by number: to look up a UUID takes three times as long."""
    authors: list[UUID] = field(default_factory=list)
    size: int = 0
    """Bytes of the statements, as they are compared."""

    @classmethod
    def joined(cls, parts: Sequence["IndexRows"]) -> "IndexRows":
        """Returns the rows of several writes as those of one."""
        if len(parts) == 1:
            return parts[0]
        whole = cls()
        for part in parts:
            whole.owners += part.owners
            whole.targets += part.targets
            whole.voiding += part.voiding
            whole.terms += part.terms
            whole.digests += part.digests
            whole.named |= part.named
            whole.authors += part.authors
            whole.size += part.size
        return whole


class LogRecorder(ApplicationRecorder):
    """Records stored events, and statements with their index rows, in Postgres."""

    def __init__(self, pool: ConnectionPool[Any]) -> None:
        self._pool = pool

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        """Returns the position of each event; all are recorded, or none.

        With `beside` that function writes the rows of a read table in the same transaction.
        Raises `IntegrityError` where a place in a stream is taken.
        """
        if not stored_events:
            return []
        beside = cast(Beside | None, kwargs.get("beside"))
        return self._insert(beside, partial(_append_events, stored_events=stored_events))

    def insert_statements(
        self, stored_events: Sequence[StoredEvent], index: IndexRows, beside: Beside | None = None
    ) -> list[int]:
        """Returns the position of each statement; all are recorded with their rows, or none.

        Equal ones already there keep their position. Raises `ContentConflict`, `PersonFenced`.
        """
        record = partial(_record_statements, stored_events=stored_events, index=index)
        try:
            return self._insert(beside, record)
        except IntegrityError:
            # Some were there before: which of them are equal is asked only now, being rare.
            return self._insert(beside, partial(record, again=True))

    def _insert(
        self, beside: Beside | None, append: Callable[[psycopg.Connection[Any]], list[int]]
    ) -> list[int]:
        try:
            with self._pool.connection() as connection:
                if beside is None:
                    return append(connection)
                with connection.transaction():
                    positions = append(connection)
                    beside(connection)
                return positions
        except psycopg.errors.UniqueViolation as error:
            raise IntegrityError(str(error)) from error
        except psycopg.Error as error:
            detail = error.diag.message_detail or ""
            if error.sqlstate == "KB001":
                raise PersonFenced(frozenset(map(UUID, detail.split(",")))) from error
            if error.sqlstate == "KB002":
                raise ContentConflict(frozenset(map(UUID, detail.split(",")))) from error
            raise

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """Returns the events of one stream, in order, as `RecordedEvent`s."""
        query = (
            f"SELECT {COLUMNS} FROM lrs.stored_events WHERE originator_id = %s"
            " AND originator_version > %s AND (%s::bigint IS NULL OR originator_version <= %s)"
            f" ORDER BY originator_version {'DESC' if desc else 'ASC'} LIMIT %s"
        )
        return self._select(query, [originator_id, -1 if gt is None else gt, lte, lte, limit])

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Returns up to `limit` events by position; nothing can later appear among them."""
        head = self.head()
        stop = head if stop is None else min(stop, head)
        after = 0 if start is None else start - 1 if inclusive_of_start else start
        return self.select_range(after, stop, limit, topics)

    def select_range(
        self, after: int, through: int, limit: int, topics: Sequence[str] = ()
    ) -> list[RecordedEvent]:
        """Returns up to `limit` events after `after` through `through`, a position from `head`."""
        query = (
            f"SELECT {COLUMNS} FROM lrs.stored_events"
            " WHERE notification_id > %s AND notification_id <= %s"
            " AND (%s::text[] = '{}' OR topic = ANY(%s)) ORDER BY notification_id LIMIT %s"
        )
        return self._select(query, [after, through, list(topics), list(topics), limit])

    def select_positions(self, positions: Sequence[int]) -> list[RecordedEvent]:
        """Returns the events at these positions, in log order."""
        query = (
            f"SELECT {COLUMNS} FROM lrs.stored_events"
            " WHERE notification_id = ANY(%s) ORDER BY notification_id"
        )
        return self._select(query, [list(positions)])

    def head(self) -> int:
        """Returns the last position, after every write that was under way has ended."""
        with self._pool.connection() as connection, connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [LOG_LOCK])
            return _last(connection)

    def max_notification_id(self) -> int | None:
        """Returns the last position that is there now, or None while the log is empty."""
        with self._pool.connection() as connection:
            return _last(connection) or None

    def subscribe(
        self, gt: int | None = None, topics: Sequence[str] = ()
    ) -> Subscription[ApplicationRecorder]:
        """Returns the events after `gt`, and then every new one as it comes."""
        return LogSubscription(self, gt, topics)

    def _select(self, query: str, params: list[Any]) -> list[RecordedEvent]:
        with self._pool.connection() as connection:
            rows = connection.execute(query.encode(), params, binary=True).fetchall()
        return [RecordedEvent(*row) for row in rows]


class LogSubscription(Subscription[LogRecorder]):
    """Follows the log by polling: a NOTIFY in each commit would serialise the writers."""

    def __init__(self, recorder: LogRecorder, gt: int | None, topics: Sequence[str]) -> None:
        super().__init__(recorder, gt, topics)
        self._position = gt or 0
        self._page: list[RecordedEvent] = []
        self._stopped = Event()

    def stop(self) -> None:
        super().stop()
        self._stopped.set()

    def __next__(self) -> Notification:
        while not self._page:
            if self._stopped.is_set():
                raise StopIteration
            self._page = self._pull()
            if not self._page:
                self._stopped.wait(POLL_SECONDS)
        notification = self._page.pop(0)
        self._position = notification.id
        return notification

    def _pull(self) -> list[RecordedEvent]:
        recorder = self._recorder
        if (recorder.max_notification_id() or 0) <= self._position:
            return []
        return recorder.select_range(self._position, recorder.head(), PAGE, self._topics)


def _append_events(
    connection: psycopg.Connection[Any], stored_events: Sequence[StoredEvent]
) -> list[int]:
    row = connection.execute(
        "SELECT lrs.append_events(%b, %b, %b, %b)",
        [
            [event.originator_id for event in stored_events],
            [event.originator_version for event in stored_events],
            [event.topic for event in stored_events],
            [event.state for event in stored_events],
        ],
    ).fetchone()
    assert row is not None
    return list(row[0])


def _record_statements(
    connection: psycopg.Connection[Any],
    stored_events: Sequence[StoredEvent],
    index: IndexRows,
    *,
    again: bool = False,
) -> list[int]:
    lasts = list(accumulate(map(len, index.terms)))
    row = connection.execute(
        "SELECT lrs.record_statements(%b, %b, %b, %b, %b, %b, %b, %b, %b, %b, %b, %b)",
        [
            stored_events[0].topic,
            Uuids([cast(UUID, event.originator_id) for event in stored_events]),
            Contents([event.state for event in stored_events]),
            Uuids(index.owners),
            Uuids(index.authors),
            Uuids(index.targets),
            Booleans(index.voiding),
            Uuids(list(chain.from_iterable(index.terms))),
            Numbers([1, *(last + 1 for last in lasts[:-1])]),
            Numbers(lasts),
            Uuids(list(index.named.values())),
            again,
        ],
        binary=True,
    ).fetchone()
    assert row is not None
    return list(row[0])


def _last(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute(
        "SELECT coalesce(max(notification_id), 0) FROM lrs.stored_events"
    ).fetchone()
    assert row is not None
    return int(row[0])
