"""Judges the key store: keys open, no version is there twice, and those of the erased are gone."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psycopg
from psycopg_pool import PoolTimeout

from lrs.fsck.findings import Kind
from lrs.fsck.session import Session, rows
from lrs.fsck.standing import standing
from lrs.keys.ring import KeyRing

BATCH = 5000
NAME = "keys"


def check(session: Session) -> None:
    """Walks all keys in the order of institution, person and version."""
    place: Sequence[Any] = (UUID(int=0), UUID(int=0), 0, UUID(int=0))
    while True:
        page = rows(
            session.keys,
            "SELECT k.institution, k.pseudonym, k.version, k.key_id, k.wrapped IS NOT NULL,"
            " EXISTS (SELECT FROM keystore.fences f WHERE f.institution = k.institution"
            "  AND f.pseudonym IN (k.pseudonym, k.institution))"
            " FROM keystore.data_keys k"
            " WHERE (k.institution, k.pseudonym, k.version, k.key_id) > (%s, %s, %s, %s)"
            " ORDER BY k.institution, k.pseudonym, k.version, k.key_id LIMIT %s",
            *place,
            BATCH,
        )
        for before, row in zip([place, *page], page, strict=False):
            if row[:3] == tuple(before[:3]):
                session.report(Kind.KEY_TWICE, None, row[0], row[3])
        _check_states(session, page)
        _check_wrapped(session, {row[3]: row[0] for row in page if row[4]})
        if len(page) < BATCH:
            break
        place = page[-1][:4]
        session.tell(NAME, place[0].int >> 96, 1 << 32)
    session.tell(NAME, 1, 1)


def _check_states(session: Session, page: Sequence[Any]) -> None:
    """A key is destroyed when its person is erased, and at no other time."""
    kept = {one for row in page if row[4] and row[5] for one in row[:2]}
    # A fence comes a moment before the keys go: then the erasure is under way.
    under_way = standing(session.records, kept).fenced if kept else {}
    for institution, pseudonym, _, key_id, wrapped, fenced in page:
        going = under_way.get(pseudonym) or under_way.get(institution)
        if wrapped and fenced and not going:
            session.report(Kind.KEY_ERASED, None, institution, key_id)
        if not wrapped and not fenced:
            session.report(Kind.KEY_DESTROYED, None, institution, key_id)


def _check_wrapped(session: Session, keys: dict[UUID, UUID]) -> None:
    """Unwraps each key once; nothing of it stays in memory."""
    services = session.services

    def opens(key_ids: Sequence[UUID]) -> bool:
        try:
            KeyRing(services.keystore_pool, services.key_service).load(key_ids)
        except (psycopg.Error, PoolTimeout):
            raise
        except Exception:
            return False
        return True

    if not opens(list(keys)):
        for key_id, institution in keys.items():
            if not opens([key_id]):
                session.report(Kind.KEY_UNUSABLE, None, institution, key_id)
