"""Erasure: the steps that forget a person everywhere (`lrs.workflow` carries them out).

What is purged, and how, is in `lrs.traces`.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import Connection

from domain.erasure import (
    Erasure,
    ErasureCertified,
    ErasureFenced,
    ErasureRequested,
    ErasureScoped,
    ErasureVerified,
    Purger,
    StorePurged,
    erasure_id,
)
from domain.errors import Conflict, Invalid, NotFound
from domain.events import Event
from domain.people import Role, canonical_ifi
from domain.workflow import Step
from lrs import subjects
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
from lrs.workflow import NotClean, Progress, Workflows, next_of

SYSTEM_KEYS = ("lrs-import",)
"""Authorities that are no credential: what `lrs import` signs with."""
IN_HAND = timedelta(seconds=30)


@dataclass(frozen=True)
class Radius:
    """What an erasure would take: rows by store, and statements by the person's role in them."""

    pseudonym: UUID
    stores: dict[str, int]
    roles: dict[Role, int]
    groups: int


class Erasures(Workflows[Erasure]):
    """The erasures of every institution; `purgers` are the stores beside the record store."""

    LOCK = 7012
    FINISH = "UPDATE lrs.erasures SET finished_at = %s WHERE erasure = %s"
    FENCED = ErasureFenced
    UNKNOWN = "there is no such erasure"
    AGAIN = "something of this person keeps coming back; see the log"

    def __init__(self, services: Services, purgers: Sequence[Purger] = ()) -> None:
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
        super().__init__(services, Erasure, [trace.name for trace in self._traces])

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
        found = self._read(erasure)
        if found.institution != institution:
            raise NotFound(self.UNKNOWN)
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
        return self._finish(self.get(institution, erasure) for institution, erasure in rows)

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
                return [ErasureCertified(**next_of(erasure), receipt=self._receipt(erasure))]

    def _fence(self, erasure: Erasure, persons: dict[UUID, tuple[UUID, ...]]) -> list[Event]:
        events: list[Event] = []
        for person, members in persons.items():
            with self._pool.connection() as connection:
                connection.execute("SELECT lrs.fence_person(%s, %s)", [erasure.institution, person])
            place = next_of(erasure, len(events))
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
        return [*events, ErasureScoped(**next_of(erasure, len(events)), found=found)]

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
        return [StorePurged(**next_of(erasure), store=waiting, rows=rows)]

    def _verify(self, erasure: Erasure) -> list[Event]:
        """Scans every store; what came back meanwhile is purged again and scanned again."""
        events: list[Event] = []
        for trace in self._traces:
            if trace.count(erasure.institution, erasure.fenced):
                rows = trace.purge(erasure.institution, erasure.fenced, lambda _: None)
                place = next_of(erasure, len(events))
                events.append(StorePurged(**place, store=trace.name, rows=rows))
        if events:
            return events
        for person in erasure.pseudonyms:
            if not (
                self._fenced(person) and self._services.keyring.erased(erasure.institution, person)
            ):
                raise NotClean("a fence is missing; the record was changed from outside")
        return [ErasureVerified(**next_of(erasure), stores=tuple(self._stores))]

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
