"""Erasure: forgets a person everywhere, step by step, and certifies it.

Every step can be done again, and what was done is an event; so whatever is cut short, wherever,
goes on where it stopped (`resume`). What is purged, and how, is in `lrs.traces`.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any, cast
from uuid import UUID

from psycopg import Connection, connect

from domain.erasure import (
    Erasure,
    ErasureCertified,
    ErasureFenced,
    ErasureRequested,
    ErasureScoped,
    ErasureVerified,
    Purger,
    Step,
    StorePurged,
    certificate,
    erasure_id,
)
from domain.errors import Conflict, Error, Invalid, NotFound
from domain.events import Event
from domain.people import Role, canonical_ifi
from lrs import subjects
from lrs.audit.receipts import PURPOSE, Receipts
from lrs.notifications import RecordedEvent
from lrs.placements import HERE
from lrs.services import Services
from lrs.traces import (
    AgentPostings,
    Each,
    Identifiers,
    Keys,
    Mentions,
    OwnAttachments,
    OwnDocuments,
    OwnStatements,
    Trace,
)

ERASURE_LOCK = 7012
ROUNDS = 5
SYSTEM_KEYS = ("lrs-import",)
"""Authorities that are no credential: what `lrs import` signs with."""
IN_HAND = timedelta(seconds=30)

Progress = Callable[[str, int, int], None]
"""Is told the store, how many rows of it are gone, and how many there were."""


class NotClean(Error):
    """Something of the person came back while it was purged. Run the erasure again."""


@dataclass(frozen=True)
class Radius:
    """What an erasure would take: rows by store, and statements by the person's role in them."""

    pseudonym: UUID
    stores: dict[str, int]
    roles: dict[Role, int]
    groups: int


class Erasures:
    """The erasures of every institution; `purgers` are the stores beside the record store."""

    def __init__(self, services: Services, purgers: Sequence[Purger] = ()) -> None:
        self._services = services
        self._store = services.store
        self._pool = services.pool
        self._mentions = Mentions(services.pool, services.store, services.blind)
        # Keys go first: from there on whatever is left says nothing.
        self._traces: list[Trace] = [
            Keys(services.keyring),
            Identifiers(services.pool, services.people),
            OwnStatements(services.pool, services.blind),
            AgentPostings(services.pool, services.blind),
            OwnDocuments(services.pool),
            OwnAttachments(services.pool),
            *(Each(purger) for purger in purgers),
        ]
        self._stores = [trace.name for trace in self._traces]
        self.receipts = Receipts(services.key_service.secret(PURPOSE))
        self._one_at_a_time = Lock()

    def radius(self, institution: UUID, pseudonym: UUID) -> Radius:
        """Returns what an erasure would take now; changes nothing. Raises `NotFound`."""
        self._check(institution, pseudonym)
        groups = self._mentions.ending_groups(institution, pseudonym)
        persons = {pseudonym: (), **groups}
        return Radius(
            pseudonym,
            {trace.name: trace.count(institution, persons) for trace in self._traces},
            self._mentions.roles(institution, pseudonym),
            len(groups),
        )

    def request(self, institution: UUID, pseudonym: UUID, *, by: str, basis: str) -> Erasure:
        """Returns the erasure of this person, which is new unless there is one already.

        Raises `NotFound` for a pseudonym that is nobody's, `Invalid` for that of a credential.
        """
        self._check(institution, pseudonym)
        event = ErasureRequested(
            originator_id=erasure_id(institution, pseudonym),
            originator_version=1,
            institution=institution,
            at=datetime.now(UTC),
            pseudonym=pseudonym,
            by=by,
            basis=basis,
        )

        def row(connection: Connection[Any]) -> None:
            connection.execute(
                "INSERT INTO lrs.erasures (erasure, institution, pseudonym, requested_at)"
                " VALUES (%s, %s, %s, %s)",
                [event.originator_id, institution, pseudonym, event.at],
            )

        with suppress(Conflict):  # Asked for already: that one counts.
            self._store.append(event, beside=row)
        return self.get(institution, event.originator_id)

    def get(self, institution: UUID, erasure: UUID) -> Erasure:
        """Returns it as it stands. Raises `NotFound`."""
        found = Erasure.fold(self._store.stream(erasure))
        if found is None or found.institution != institution:
            raise NotFound("there is no such erasure")
        return found

    def page(
        self, institution: UUID, after: tuple[datetime, UUID] | None, limit: int
    ) -> list[Erasure]:
        """Returns up to `limit` erasures, oldest first, after the one requested then."""
        moment, last = after or (None, None)
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT erasure FROM lrs.erasures WHERE institution = %s"
                " AND (%s::timestamptz IS NULL OR (requested_at, erasure) > (%s, %s))"
                " ORDER BY requested_at, erasure LIMIT %s",
                [institution, moment, moment, last, limit],
            ).fetchall()
        return [self.get(institution, row[0]) for row in rows]

    def run(self, erasure: Erasure, progress: Progress = lambda *_: None) -> Erasure:
        """Does what is left to do and returns the finished erasure.

        Where another process is at it, returns it as it stands. Raises `NotClean`.
        """
        with self._alone(erasure.id) as alone:
            erasure = self.get(erasure.institution, erasure.id)
            rounds = 0
            while alone and (step := erasure.next(self._stores)) is not None:
                rounds += step is Step.VERIFY
                if rounds > ROUNDS:
                    raise NotClean("something of this person keeps coming back; see the log")
                events = self._do(step, erasure, progress)
                self._append(events)
                for event in events:
                    erasure = erasure.after(event)
        return erasure

    def resume(self, older: timedelta = IN_HAND) -> int:
        """Finishes what was cut short; returns how many erasures were finished.

        Those asked for less than `older` ago are left to whoever asked.

        Raises `NotClean` after all were tried.
        """
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT institution, erasure FROM lrs.erasures e WHERE finished_at IS NULL"
                f" AND requested_at <= %s AND {HERE.format('e')} ORDER BY requested_at",
                [datetime.now(UTC) - older],
            ).fetchall()
        finished = 0
        failure: NotClean | None = None
        for institution, erasure in rows:
            try:
                finished += self.run(self.get(institution, erasure)).receipt is not None
            except NotClean as error:
                failure = error
        if failure is not None:
            raise failure
        return finished

    def _do(self, step: Step, erasure: Erasure, progress: Progress) -> list[Event]:
        """Does one step; returns its events."""
        match step:
            case Step.FENCE:
                return self._fence(erasure, {erasure.pseudonym: ()})
            case Step.SCOPE:
                return self._scope(erasure)
            case Step.PURGE:
                return self._purge(erasure, progress)
            case Step.VERIFY:
                return self._verify(erasure)
            case Step.CERTIFY:
                receipt = self.receipts.sign(self._payload(erasure))
                return [ErasureCertified(**_next(erasure), receipt=receipt)]

    def _fence(self, erasure: Erasure, persons: dict[UUID, tuple[UUID, ...]]) -> list[Event]:
        events: list[Event] = []
        for person, members in persons.items():
            with self._pool.connection() as connection:
                connection.execute("SELECT lrs.fence_person(%s, %s)", [erasure.institution, person])
            place = _next(erasure, len(events))
            events.append(ErasureFenced(**place, pseudonym=person, members=members))
        return events

    def _scope(self, erasure: Erasure) -> list[Event]:
        # Only now: a Group could still have got its first statement before the fence. Their events
        # stand before the keys are gone, without which nobody could tell which Groups they were.
        groups = self._mentions.ending_groups(erasure.institution, erasure.pseudonym)
        new = {group: members for group, members in groups.items() if group not in erasure.fenced}
        events = self._fence(erasure, new)
        persons = {**erasure.fenced, **new}
        found = {trace.name: trace.count(erasure.institution, persons) for trace in self._traces}
        return [*events, ErasureScoped(**_next(erasure, len(events)), found=found)]

    def _purge(self, erasure: Erasure, progress: Progress) -> list[Event]:
        waiting = erasure.unpurged(self._stores)[0]
        trace = next(trace for trace in self._traces if trace.name == waiting)
        found = (erasure.found or {}).get(waiting, 0)
        rows = trace.purge(
            erasure.institution,
            erasure.fenced,
            lambda done: progress(waiting, done, max(done, found)),
        )
        progress(waiting, rows, max(rows, found))
        return [StorePurged(**_next(erasure), store=waiting, rows=rows)]

    def _verify(self, erasure: Erasure) -> list[Event]:
        """Scans every store; what came back meanwhile is purged again and scanned again."""
        events: list[Event] = []
        for trace in self._traces:
            if trace.count(erasure.institution, erasure.fenced):
                rows = trace.purge(erasure.institution, erasure.fenced, lambda _: None)
                place = _next(erasure, len(events))
                events.append(StorePurged(**place, store=trace.name, rows=rows))
        if events:
            return events
        for person in erasure.pseudonyms:
            if not (
                self._fenced(person) and self._services.keyring.erased(erasure.institution, person)
            ):
                raise NotClean("a fence is missing; the record was changed from outside")
        return [ErasureVerified(**_next(erasure), stores=tuple(self._stores))]

    def _payload(self, erasure: Erasure) -> dict[str, Any]:
        recorded = cast(Sequence[RecordedEvent], self._store.recorder.select_events(erasure.id))
        fence = next(event.id for event in recorded if event.topic == ErasureFenced.TOPIC)
        return certificate(erasure, fence, datetime.now(UTC))

    def _append(self, events: list[Event]) -> None:
        def finish(connection: Connection[Any]) -> None:
            connection.execute(
                "UPDATE lrs.erasures SET finished_at = %s WHERE erasure = %s",
                [events[-1].at, events[-1].originator_id],
            )

        certified = isinstance(events[-1], ErasureCertified)
        self._store.append(*events, beside=finish if certified else None)

    def _check(self, institution: UUID, pseudonym: UUID) -> None:
        services = self._services
        subjects.check(services, institution, pseudonym)
        home = services.settings.authority_home_page
        for key in [*services.credentials.keys(institution), *SYSTEM_KEYS]:
            authority = canonical_ifi({"account": {"homePage": home, "name": key}}) or ""
            if services.people.find(institution, authority) == pseudonym:
                raise Invalid("actor", "credential", "this is a credential: revoke it instead")

    def _fenced(self, person: UUID) -> bool:
        with self._pool.connection() as connection:
            query = "SELECT FROM lrs.fences WHERE pseudonym = %s"
            return connection.execute(query, [person]).fetchone() is not None

    @contextmanager
    def _alone(self, erasure: UUID) -> Iterator[bool]:
        """Gives whether this is the one process that carries the erasure out."""
        low = int.from_bytes(erasure.bytes[:4], "big", signed=True)
        # A connection of its own: the steps need those of the pool.
        with self._one_at_a_time, connect(self._services.settings.dsn, autocommit=True) as lead:
            row = lead.execute(
                "SELECT pg_try_advisory_lock(%s, %s)", [ERASURE_LOCK, low]
            ).fetchone()
            assert row is not None
            yield row[0]


def _next(erasure: Erasure, more: int = 0) -> dict[str, Any]:
    """Returns the place of the next event in the stream, or of one `more` after it."""
    return {
        "originator_id": erasure.id,
        "originator_version": erasure.version + 1 + more,
        "institution": erasure.institution,
        "at": datetime.now(UTC),
    }
