"""Closure: the steps that erase a whole institution (`lrs.workflow` carries them out).

First nobody of it may come in any more, then its keys are destroyed: from there on whatever is left
says nothing. What is purged, and how, is in `lrs.holdings`.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from psycopg import Connection

from domain.closure import (
    Closure,
    ClosureCertified,
    ClosureFenced,
    ClosureRequested,
    ClosureVerified,
    Holding,
    HoldingPurged,
    closure_id,
)
from domain.errors import Conflict, NotFound
from domain.events import Event
from domain.institutions import INSTANCE
from domain.placements import State
from domain.workflow import Step
from lrs import placements
from lrs.holdings import holdings
from lrs.keys.ring import KeyRing
from lrs.mapper import SealingMapper
from lrs.notifications import RecordedEvent, Shredded
from lrs.recorder import COLUMNS
from lrs.services import Services
from lrs.workflow import NotClean, Progress, Workflows, next_of

SCAN = 5000
"""Positions of the log that one look of the scan covers."""
LOG = "log"


class Closures(Workflows[Closure]):
    """The closures of this deployment; `others` are the stores beside the record store."""

    LOCK = 7015
    FINISH = "UPDATE lrs.closures SET finished_at = %s WHERE closure = %s"
    FENCED = ClosureFenced
    UNKNOWN = "nobody has asked for the erasure of this institution"
    AGAIN = "something of this institution keeps coming back; see the log"

    def __init__(self, services: Services, others: Sequence[Holding] = ()) -> None:
        self._places = [services, services.directory] if services.directory else [services]
        *first, last = holdings(services)
        # The name goes last: until then the institution can be told from one that never was.
        self._holdings = [*first, *others, last]
        super().__init__(services, Closure, [holding.name for holding in self._holdings])

    def radius(self, institution: UUID) -> dict[str, int]:
        """Returns how many rows a closure would take now, by store; changes nothing.

        Raises `NotFound`.
        """
        self._services.institutions.get(institution)
        return self._count(institution)

    def request(self, institution: UUID, *, by: str, basis: str) -> Closure:
        """Returns the closure of the institution, which is new unless there is one already.

        Raises `NotFound` for an institution that never was, `Conflict` while it moves.
        """
        with suppress(NotFound):
            return self.get(institution)
        self._services.institutions.get(institution)
        self._refuse_moving(institution)
        event = ClosureRequested(
            originator_id=closure_id(institution),
            originator_version=1,
            institution=INSTANCE,
            at=datetime.now(UTC),
            erased=institution,
            by=by,
            basis=basis,
        )

        def row(connection: Connection[Any]) -> None:
            connection.execute(
                "INSERT INTO lrs.closures (closure, institution, requested_at) VALUES (%s, %s, %s)",
                [event.originator_id, institution, event.at],
            )

        with suppress(Conflict):  # Asked for at the same time: that one counts.
            self._store.append(event, beside=row)
        return self.get(institution)

    def _refuse_moving(self, institution: UUID) -> None:
        # Not as it is believed to be, which is enough for a request: as it is.
        with self._places[-1].pool.connection() as connection:
            placement = placements.read(connection, institution)
        here = self._services.settings.shard
        if placement.state is not State.SETTLED or placement.shard != here:
            raise Conflict("the institution is being moved: wait for that, or give it up")

    def get(self, institution: UUID) -> Closure:
        """Returns the closure of an institution as it stands. Raises `NotFound`."""
        return self._read(closure_id(institution))

    def resume(self) -> int:
        """Finishes what was cut short; returns how many closures were finished.

        Raises `NotClean` after all were tried.
        """
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT institution FROM lrs.closures WHERE finished_at IS NULL"
                " ORDER BY requested_at"
            ).fetchall()
        return self._finish(self.get(institution) for (institution,) in rows)

    def _do(self, step: Step, closure: Closure, progress: Progress) -> list[Event]:
        """Does one step; returns its events."""
        match step:
            case Step.FENCE | Step.SCOPE:
                return [self._fence(closure)]
            case Step.PURGE:
                return [self._purge(closure, progress)]
            case Step.VERIFY:
                return self._verify(closure, progress)
            case Step.CERTIFY:
                return [ClosureCertified(**next_of(closure), receipt=self._receipt(closure))]

    def _fence(self, closure: Closure) -> Event:
        for place in self._places:
            with place.pool.connection() as connection, connection.transaction():
                if place is not self._services:
                    # A directory is shut to rows of what lives elsewhere: but this one is its own.
                    connection.execute("SELECT set_config('lrs.mover', 'on', true)")
                connection.execute("SELECT lrs.fence_institution(%s)", [closure.institution])
        # Only now: nothing more can come.
        found = self._count(closure.institution)
        return ClosureFenced(**next_of(closure), erased=closure.institution, found=found)

    def _purge(self, closure: Closure, progress: Progress) -> Event:
        waiting = closure.unpurged(self._stores)[0]
        holding = next(one for one in self._holdings if one.name == waiting)
        found = (closure.found or {}).get(waiting, 0)
        progress(waiting, 0, found)
        rows = holding.purge_all(closure.institution)
        progress(waiting, rows, max(rows, found))
        return HoldingPurged(**next_of(closure), store=waiting, rows=rows)

    def _verify(self, closure: Closure, progress: Progress) -> list[Event]:
        """Scans every store and the log; what is left is purged, to be scanned again."""
        events: list[Event] = []
        for holding in self._holdings:
            if holding.count_all(closure.institution):
                rows = holding.purge_all(closure.institution)
                place = next_of(closure, len(events))
                events.append(HoldingPurged(**place, store=holding.name, rows=rows))
        if events:
            return events
        tombstones = 0
        for where in self._places:
            head = where.store.head()
            # Keys of its own, as the key store has them now: no cache can speak for it.
            ring = KeyRing(where.keystore_pool, where.key_service)
            mapper = SealingMapper(ring, where.blind)
            for reached, recorded in _log(where, closure.institution, head):
                progress(LOG, reached, head)
                _check(where, mapper, recorded)
                tombstones += len(recorded)
        position = self._store.last()
        return [ClosureVerified(**next_of(closure), position=position, events=tombstones)]

    def _count(self, institution: UUID) -> dict[str, int]:
        return {holding.name: holding.count_all(institution) for holding in self._holdings}


def _log(
    place: Services, institution: UUID, head: int
) -> Iterator[tuple[int, list[RecordedEvent]]]:
    """Yields the institution's events, page by page of the whole log, and the position reached."""
    after = 0
    while after < head:
        with place.pool.connection() as connection:
            row = connection.execute(
                "SELECT max(notification_id) FROM (SELECT notification_id"
                "  FROM lrs.stored_events WHERE notification_id > %s"
                "  ORDER BY notification_id LIMIT %s) AS page",
                [after, SCAN],
            ).fetchone()
            assert row is not None
            rows = connection.execute(
                f"SELECT {COLUMNS} FROM lrs.stored_events WHERE notification_id > %s"
                " AND notification_id <= %s AND lrs.institution_of(state) = %s"
                " ORDER BY notification_id".encode(),
                [after, row[0], institution],
                binary=True,
            ).fetchall()
        after = row[0]
        yield after, [RecordedEvent(*each) for each in rows]


def _check(place: Services, mapper: SealingMapper, recorded: list[RecordedEvent]) -> None:
    """Raises `NotClean` where an event opens, or the index still knows it."""
    if not all(isinstance(one.event, Shredded) for one in mapper.recorded(recorded)):
        raise NotClean("an event of this institution can still be opened")
    with place.pool.connection() as connection:
        left = connection.execute(
            "SELECT FROM lrs.statement_index WHERE position = ANY(%(positions)s)"
            " UNION ALL SELECT FROM lrs.statement_refs WHERE position = ANY(%(positions)s)"
            " LIMIT 1",
            {"positions": [one.id for one in recorded]},
        ).fetchone()
    if left is not None:
        raise NotClean("the index still has statements of this institution")
