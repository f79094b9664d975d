"""Judges attachments: each owner of a statement has the way to what it links, and it is that."""

import hashlib
from collections.abc import Iterator
from uuid import UUID

import psycopg
from psycopg_pool import PoolTimeout

from domain.statements.events import StatementStored
from lrs.attachments import attachments_of
from lrs.fsck.findings import Kind
from lrs.fsck.look import Look
from lrs.fsck.session import Session
from lrs.fsck.standing import standing

_SHA2 = {56: hashlib.sha224, 64: hashlib.sha256, 96: hashlib.sha384, 128: hashlib.sha512}


def check(session: Session, seen: Look) -> None:
    """Opens what the statements within sight link, each owner's once."""
    judged: dict[tuple[UUID, UUID, str], Kind | None] = {}
    for position, event, sha2, elsewhere in _links(seen):
        place = (event.institution, event.owner, sha2)
        if place not in judged:
            judged[place] = _judge(session, *place)
        kind = judged[place]
        if kind is None or (kind is Kind.ATTACHMENT_MISSING and elsewhere):
            continue
        if not standing(session.records, [event.owner, event.institution]).fenced:
            session.report(kind, position, event.institution, event.originator_id)


def _links(seen: Look) -> Iterator[tuple[int, StatementStored, str, bool]]:
    """Gives each attachment of a statement that can be read, and whether it may be elsewhere."""
    gone = seen.standing.fenced.keys()
    for position, event in seen.statements:
        for _, attachment in attachments_of(event.statement):
            if gone.isdisjoint((event.owner, event.institution)):
                yield position, event, attachment["sha2"].lower(), "fileUrl" in attachment


def _judge(session: Session, institution: UUID, owner: UUID, sha2: str) -> Kind | None:
    digest = _SHA2[len(sha2)]()
    try:
        content = session.services.attachments.open(institution, owner, sha2)
        if content is None:
            return Kind.ATTACHMENT_MISSING
        for chunk in content:
            digest.update(chunk)
    except (psycopg.Error, PoolTimeout):
        raise
    except Exception:
        return Kind.ATTACHMENT_CONTENT
    return None if digest.hexdigest() == sha2 else Kind.ATTACHMENT_CONTENT
