"""The pass over the log: every event opens, streams have no holes, the index says what it says."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from domain.statements.events import StatementStored
from lrs.fsck import attachments, documents, repair
from lrs.fsck.adrift import Ids
from lrs.fsck.findings import Kind, Report
from lrs.fsck.look import Look, keys_destroyed, look
from lrs.fsck.opening import Opened, opened
from lrs.fsck.session import Connection, Session, rows
from lrs.fsck.statements import explained, judge
from lrs.notifications import RecordedEvent, Shredded

BATCH = 1000
NAME = "log"


@dataclass(frozen=True)
class LogPass:
    """Walks the log in batches; a repair mends the index of each batch before the next.

    `named` gathers the contents that events name.
    """

    session: Session
    report: Report
    named: Ids

    def run(self) -> None:
        """Judges everything up to the head of the run."""
        session = self.session
        scope, recorder = session.scope, session.services.store.recorder
        after = scope.since
        while after < scope.head:
            events = recorder.select_range(after, scope.head, BATCH)
            last = events[-1].id if len(events) == BATCH else scope.head
            self._check(events, after, last)
            after = last
            session.tell(NAME, max(after, 0), scope.head)

    def _check(self, events: Sequence[RecordedEvent], after: int, last: int) -> None:
        """Judges one stretch: these events are all that stand after `after`, up to `last`."""
        session = self.session
        mapper = session.services.store.mapper
        batch = opened(mapper, [event for event in events if self._is_meant(event)])
        gone = keys_destroyed(session.keys, batch)
        with session.snapshot() as records:
            seen = look(records, mapper, batch, gone, (after, last))
            self._check_order(records, events, after, last)
            current = documents.check_streams(session, records, seen)
        broken = {one.position for one in batch if self._report(seen, one)}
        if session.scope.institution is None:
            broken.update(self._orphans(events, seen))
        self.named.add(documents.contents_of(seen))
        documents.check_contents(session, current)
        attachments.check(session, seen)
        if session.repair and broken:
            repair.rebuild(session, broken)

    def _is_meant(self, event: RecordedEvent) -> bool:
        institution = self.session.scope.institution
        return institution is None or bytes(event.state[1:17]) == institution.bytes

    def _report(self, seen: Look, one: Opened) -> bool:
        """Counts an event and reports what is wrong with it; returns whether anything was told."""
        self.report.events += 1
        self.report.statements += isinstance(one.event, StatementStored)
        self.report.erased += isinstance(one.event, Shredded)
        told = [
            self.session.report(kind, one.position, one.institution, one.stream)
            for kind in self._judge(seen, one)
        ]
        return any(told)

    def _judge(self, seen: Look, one: Opened) -> Iterator[Kind]:
        if one.wrong is not None:
            yield one.wrong
            return
        if not explained(seen, one):
            yield Kind.SHRED_UNEXPLAINED
        if one.stored.topic == StatementStored.TOPIC:
            yield from judge(self.session.services.blind, seen, one)

    def _check_order(
        self, records: Connection, events: Sequence[RecordedEvent], after: int, last: int
    ) -> None:
        """Finds positions that are taken twice, and streams that miss what came before."""
        within = "FROM lrs.stored_events WHERE notification_id > %s AND notification_id <= %s"
        counts = f"SELECT count(DISTINCT notification_id) <> count(*) {within}"
        ((repeated,),) = rows(records, counts, after, last)
        if repeated:
            query = f"SELECT notification_id {within} GROUP BY 1 HAVING count(*) > 1 ORDER BY 1"
            for (position,) in rows(records, query, after, last):
                self.session.report(Kind.POSITION_TWICE, position)
        later = {event.id: event for event in events if event.originator_version != 1}
        holes = rows(
            records,
            "SELECT e.position FROM unnest(%s::uuid[], %s::bigint[], %s::bigint[])"
            " AS e (stream, version, position) WHERE NOT EXISTS ("
            "  SELECT FROM lrs.stored_events s WHERE s.originator_id = e.stream"
            "  AND s.originator_version = e.version - 1 AND s.notification_id < e.position)",
            [event.originator_id for event in later.values()],
            [event.originator_version for event in later.values()],
            list(later),
        )
        for (position,) in holes:
            hole = Opened(later[position], None)
            self.session.report(Kind.STREAM_HOLE, position, hole.institution, hole.stream)

    def _orphans(self, events: Sequence[RecordedEvent], seen: Look) -> Iterator[int]:
        """Gives positions within the stretch whose index rows have no statement."""
        statements = {event.id for event in events if event.topic == StatementStored.TOPIC}
        for position in sorted(seen.index.keys() - statements):
            stream: UUID = seen.index[position].originator
            self.session.report(Kind.INDEX_ORPHAN, position, None, stream)
            yield position
        for position in sorted(seen.references.keys() - statements):
            self.session.report(Kind.REFERENCE_EXTRA, position)
            yield position
