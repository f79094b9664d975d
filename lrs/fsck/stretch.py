"""Judges one stretch of the log: every event opens, streams have no holes, the index says what it
says, and documents and attachments are there.

Nobody is told and nothing is mended here: what was found is returned, so that other processes can
do this (`lrs.fsck.workers`).
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple
from uuid import UUID

from domain.statements.events import StatementStored
from lrs.fsck import attachments, documents
from lrs.fsck.findings import Finding, Kind
from lrs.fsck.look import Look, keys_destroyed, look
from lrs.fsck.opening import Opened, opened
from lrs.fsck.session import Connection, Scope, Session, rows
from lrs.fsck.statements import explained, judge
from lrs.notifications import RecordedEvent, Shredded
from lrs.recorder import COLUMNS

BATCH = 1000


class Stretch(NamedTuple):
    """Positions after `after`, up to `last`, which is part of it."""

    after: int
    last: int


@dataclass(slots=True)
class Judged:
    """What a stretch came to. `contents` are those that its events name; `broken` are positions
    whose index rows may have to be made anew.
    """

    last: int
    events: int = 0
    statements: int = 0
    erased: int = 0
    findings: list[Finding] = field(default_factory=list)
    contents: list[UUID] = field(default_factory=list)
    broken: set[int] = field(default_factory=set)


def stretches(records: Connection, scope: Scope) -> Iterator[Stretch]:
    """Cuts what the run is about into stretches of `BATCH` events."""
    query = (
        "SELECT notification_id FROM lrs.stored_events"
        " WHERE notification_id > %s AND notification_id <= %s"
        " ORDER BY notification_id OFFSET %s LIMIT 1"
    )
    after = scope.since
    while after < scope.head:
        end = rows(records, query, after, scope.head, BATCH - 1)
        stretch = Stretch(after, end[0][0] if end else scope.head)
        yield stretch
        after = stretch.last


def judge_stretch(session: Session, stretch: Stretch) -> Judged:
    """Returns what is wrong between log, index, documents, attachments and keys."""
    judged = Judged(stretch.last)
    session = replace(session, found=judged.findings.append)
    mapper = session.services.store.mapper
    events = _events(session.records, stretch)
    batch = opened(mapper, [event for event in events if _is_meant(session.scope, event)])
    gone = keys_destroyed(session.keys, batch)
    with session.snapshot() as records:
        seen = look(records, mapper, batch, gone, stretch)
        _check_order(session, records, events)
        current = documents.check_streams(session, records, seen)
    judged.events = len(batch)
    judged.statements = len(seen.statements)
    judged.erased = sum(isinstance(one.event, Shredded) for one in batch)
    judged.broken = {one.position for one in batch if _report(session, seen, one)}
    if session.scope.institution is None:
        judged.broken.update(_orphans(session, events, seen))
    judged.contents = list(documents.contents_of(seen))
    documents.check_contents(session, current)
    attachments.check(session, seen)
    return judged


def _events(records: Connection, stretch: Stretch) -> list[RecordedEvent]:
    query = (
        f"SELECT {COLUMNS} FROM lrs.stored_events"
        " WHERE notification_id > %s AND notification_id <= %s ORDER BY notification_id"
    )
    return [RecordedEvent(*row) for row in rows(records, query, *stretch)]


def _is_meant(scope: Scope, event: RecordedEvent) -> bool:
    return scope.institution is None or event.state[1:17] == scope.institution.bytes


def _report(session: Session, seen: Look, one: Opened) -> bool:
    """Reports what is wrong with an event; returns whether anything was told."""
    told = [
        session.report(kind, one.position, one.institution, one.stream)
        for kind in _judge(session, seen, one)
    ]
    return any(told)


def _judge(session: Session, seen: Look, one: Opened) -> Iterator[Kind]:
    if one.wrong is not None:
        yield one.wrong
        return
    if not explained(seen, one):
        yield Kind.SHRED_UNEXPLAINED
    if one.stored.topic == StatementStored.TOPIC:
        yield from judge(session.services.blind, seen, one)


def _check_order(session: Session, records: Connection, events: Sequence[RecordedEvent]) -> None:
    """Finds positions that are taken twice, and streams that miss what came before."""
    for position, times in sorted(Counter(event.id for event in events).items()):
        if times > 1:
            session.report(Kind.POSITION_TWICE, position)
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
        session.report(Kind.STREAM_HOLE, position, hole.institution, hole.stream)


def _orphans(session: Session, events: Sequence[RecordedEvent], seen: Look) -> Iterator[int]:
    """Gives positions within the stretch whose index rows have no statement."""
    statements = {event.id for event in events if event.topic == StatementStored.TOPIC}
    for position in sorted(seen.index.keys() - statements):
        stream: UUID = seen.index[position].originator
        session.report(Kind.INDEX_ORPHAN, position, None, stream)
        yield position
    for position in sorted(seen.references.keys() - statements):
        session.report(Kind.REFERENCE_EXTRA, position)
        yield position
