"""Judges documents: the row is what the stream says, and the content is what the row says."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha1, sha256
from typing import Any
from uuid import UUID

import psycopg
from psycopg_pool import PoolTimeout

from domain.documents import Document, DocumentDeleted, DocumentStored
from lrs.fsck.findings import Kind
from lrs.fsck.look import Look
from lrs.fsck.opening import Opened
from lrs.fsck.session import Connection, Session, rows
from lrs.fsck.standing import standing

BATCH = 5000
NAME = "documents"


@dataclass(frozen=True, slots=True)
class Current:
    """A document as it stands: its last event, where, and how its content is found."""

    position: int
    event: DocumentStored


def check_streams(session: Session, records: Connection, seen: Look) -> list[Current]:
    """Compares rows with the last events of streams, where these are in sight.

    Returns those whose content is to be looked at; that takes longer than a look may.
    """
    events = {
        one.stored.originator_id: one
        for one in seen.events
        if isinstance(one.event, DocumentStored | DocumentDeleted)
    }
    if not events:
        return []
    last = _last(records, list(events.values()))
    query = (
        "SELECT document, institution, owner, version, content_id, sealed FROM lrs.documents"
        " WHERE document = ANY(%s)"
    )
    held = {row[0]: row for row in rows(records, query, list(last))}
    current = []
    for stream in last:
        one = events[stream]
        assert isinstance(one.event, DocumentStored | DocumentDeleted)
        kind = _judge(session, seen, one.event, held.get(stream))
        if kind is not None:
            session.report(kind, one.position, one.institution, stream)
        elif isinstance(one.event, DocumentStored) and stream in held:
            current.append(Current(one.position, one.event))
    return current


def check_contents(session: Session, current: Sequence[Current]) -> None:
    """Opens the contents and compares their digests; one of a person who is erased meanwhile says
    nothing.
    """
    for one in current:
        event = one.event
        if not _holds(session, event) and not (
            standing(session.records, [event.owner, event.institution]).fenced
        ):
            session.report(
                Kind.DOCUMENT_CONTENT, one.position, event.institution, event.originator_id
            )


def check_rows(session: Session) -> None:
    """Finds rows that no event explains."""
    after = UUID(int=0)
    while True:
        page = rows(
            session.records,
            "SELECT d.document, d.institution, EXISTS (SELECT FROM lrs.stored_events s"
            "  WHERE s.originator_id = d.document AND s.originator_version = d.version)"
            " FROM lrs.documents d WHERE d.document > %s ORDER BY d.document LIMIT %s",
            after,
            BATCH,
        )
        for document, institution, explained in page:
            if not explained:
                session.report(Kind.DOCUMENT_ORPHAN, None, institution, document)
        if len(page) < BATCH:
            break
        after = page[-1][0]
        session.tell(NAME, after.int >> 96, 1 << 32)  # keyed hashes: they are spread evenly
    session.tell(NAME, 1, 1)


def _last(records: Connection, events: Sequence[Opened]) -> list[UUID]:
    """Returns the streams of which nothing newer is there."""
    query = (
        "SELECT e.stream FROM unnest(%s::uuid[], %s::bigint[]) AS e (stream, version)"
        " WHERE NOT EXISTS (SELECT FROM lrs.stored_events s"
        "  WHERE s.originator_id = e.stream AND s.originator_version > e.version)"
    )
    streams = [one.stored.originator_id for one in events]
    versions = [one.stored.originator_version for one in events]
    return [row[0] for row in rows(records, query, streams, versions)]


def _judge(
    session: Session, seen: Look, event: DocumentStored | DocumentDeleted, row: Any
) -> Kind | None:
    if isinstance(event, DocumentDeleted):
        return None if row is None else Kind.DOCUMENT_WRONG
    if row is None:
        # Erasure takes the row; that it took it from everybody erased is asked elsewhere.
        gone = not seen.standing.fenced.keys().isdisjoint((event.owner, event.institution))
        return None if gone else Kind.DOCUMENT_MISSING
    said = (event.institution, event.owner, event.originator_version, event.content_id)
    if row[1:5] != said:
        return Kind.DOCUMENT_WRONG
    document = Document(event.document_id, event.content_type, event.size, event.sha1, event.sha2)
    mapper = session.services.store.mapper
    try:
        content = mapper.open_content(event.institution, event.originator_id, row[5])
    except (psycopg.Error, PoolTimeout):
        raise
    except Exception:
        return Kind.DOCUMENT_WRONG
    if content is None:
        return None
    return None if content == asdict(document) else Kind.DOCUMENT_WRONG


def _holds(session: Session, event: DocumentStored) -> bool:
    """Whether the content is there, opens, and is what the event says."""
    services = session.services
    size, short, long = 0, sha1(usedforsecurity=False), sha256()
    try:
        for chunk in services.contents.read(event.institution, event.content_id, services.keyring):
            size += len(chunk)
            short.update(chunk)
            long.update(chunk)
    except (psycopg.Error, PoolTimeout):
        raise
    except Exception:
        return False
    return (size, short.hexdigest(), long.hexdigest()) == (event.size, event.sha1, event.sha2)


def contents_of(seen: Look) -> Iterator[UUID]:
    """Gives the contents that events within sight name, the current and the earlier ones."""
    for one in seen.events:
        if isinstance(one.event, DocumentStored):
            yield one.event.content_id
