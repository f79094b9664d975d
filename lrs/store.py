"""The record store: the event-sourced application over the sealed log."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.persistence import IntegrityError
from psycopg_pool import ConnectionPool

from domain.errors import Conflict
from domain.events import Event
from domain.statements.events import StatementStored
from lrs.commits import GroupCommit
from lrs.keys.blind_index import BlindIndex
from lrs.keys.ring import KeyRing
from lrs.mapper import SealingMapper
from lrs.notifications import Recorded
from lrs.recorder import Beside, IndexRows, LogRecorder


class RecordStore(Application[UUID]):
    """Appends events, reads streams and the log. Thread-safe; one for each process."""

    name = "kumbuka"
    mapper: SealingMapper
    recorder: LogRecorder

    def __init__(self, pool: ConnectionPool[Any], ring: KeyRing, blind: BlindIndex) -> None:
        self._pool = pool
        self._ring = ring
        self._blind = blind
        super().__init__()
        self._commits = GroupCommit(self._seal_and_insert)

    def construct_mapper(self) -> SealingMapper:
        return SealingMapper(self._ring, self._blind)

    def construct_recorder(self) -> LogRecorder:
        return LogRecorder(self._pool)

    def append(self, *events: Event, beside: Beside | None = None) -> int:
        """Records events of aggregates in one transaction; returns the position of the last.

        `beside(connection)` writes the rows of their read table in the same transaction.

        Raises `Conflict` where another writer took the same place in a stream first: read the
        stream again and decide anew.
        """
        try:
            recordings = self.save(*events, beside=beside)
        except IntegrityError as error:
            raise Conflict("this stream has moved on since it was read") from error
        return max(recording.notification.id for recording in recordings)

    def coming(self) -> AbstractContextManager[None]:
        """Announces that a small write of statements has begun (`lrs.commits`)."""
        return self._commits

    def append_statements(
        self,
        events: Sequence[StatementStored],
        index: IndexRows,
        beside: Beside | None = None,
    ) -> list[int]:
        """Records statements with their index rows in one transaction; returns their positions.

        An equal statement that is there already keeps its position. `beside(connection)` writes
        what belongs to them in the same transaction. Raises `ContentConflict` and `PersonFenced`
        (`lrs.recorder`).
        """
        # A whole institution is fenced like a person, under its own id.
        institution = events[0].institution
        index.named[institution.int] = institution
        if beside is None:
            return self._commits.append(events, index)
        return self._seal_and_insert(events, index, beside)

    def _seal_and_insert(
        self, events: Sequence[StatementStored], index: IndexRows, beside: Beside | None = None
    ) -> list[int]:
        stored = self.mapper.seal_statements(events, index.digests)
        return self.recorder.insert_statements(stored, index, beside)

    def stream(self, originator_id: UUID) -> list[Any]:
        """Returns the events of one stream, in order."""
        return [
            self.mapper.to_domain_event(event)
            for event in self.recorder.select_events(originator_id)
        ]

    def head(self) -> int:
        """Returns the last position that a reader may go to without ever missing one before it."""
        return self.recorder.head()

    def last(self) -> int:
        """Returns the last position there is now; a cheap look, not a barrier."""
        return self.recorder.max_notification_id() or 0

    def read(self, after: int, limit: int, through: int | None = None) -> list[Recorded]:
        """Returns up to `limit` events after position `after`, in order, tombstones included.

        `through` is a position got from `head`; without it the head is asked for.
        """
        stop = self.head() if through is None else through
        return self.mapper.recorded(self.recorder.select_range(after, stop, limit))

    def at(self, positions: Sequence[int]) -> list[Recorded]:
        """Returns the events at these positions, in log order."""
        return self.mapper.recorded(self.recorder.select_positions(positions))

    def consistent_through(self) -> datetime:
        """Returns a moment such that every statement with `stored` up to it can be read now.

        A statement's `stored` is the start of its transaction, so the oldest start among open
        writers bounds what may still appear: the moment is just before it, because whoever goes on
        with `since` gets what was stored after, not at it. Without open writers it is now, less the
        moment that a writer may need from its start until it shows there.
        """
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT least(clock_timestamp() - interval '50 ms',"
                "  min(xact_start) - interval '1 microsecond')"
                " FROM pg_stat_activity"
                " WHERE usename = current_user AND datname = current_database()"
                " AND pid <> pg_backend_pid()"
            ).fetchone()
        assert row is not None
        moment: datetime = row[0]
        return moment
