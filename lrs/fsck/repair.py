"""Makes index rows anew from the log: what stood there does not matter, and the log is not touched.

Done while nobody else writes statements or purges, in small transactions; whatever is cut short is
whole up to there, and the next run goes on.
"""

from collections.abc import Collection, Sequence
from uuid import UUID

from domain.statements.events import StatementStored
from lrs.fsck.expected import Expected, complete
from lrs.fsck.look import Look, keys_destroyed, look
from lrs.fsck.opening import Opened, opened
from lrs.fsck.session import Connection, Session, elsewhere, rows
from lrs.notifications import RecordedEvent
from lrs.recorder import COLUMNS

MANY = 200
"""Statements that are made anew in one transaction: writers wait for as long."""


def rebuild(session: Session, positions: Collection[int]) -> None:
    """Makes the index rows of these positions what the log says now; rows of no statement go."""
    left = sorted(positions)
    for start in range(0, len(left), MANY):
        _rebuild(session, left[start : start + MANY])


def _rebuild(session: Session, positions: Sequence[int]) -> None:
    mapper, blind = session.services.store.mapper, session.services.blind
    with session.alone() as records:
        query = f"SELECT {COLUMNS} FROM lrs.stored_events WHERE notification_id = ANY(%s)"
        stored = [RecordedEvent(*row) for row in rows(records, query, list(positions))]
        events = opened(mapper, [one for one in stored if one.topic == StatementStored.TOPIC])
        away = elsewhere(records)
        seen = look(records, mapper, events, keys_destroyed(session.keys, events))
        wanted = {
            one.position: complete(blind, one.event, seen.referred, seen.standing.fenced)
            for one in events
            if isinstance(one.event, StatementStored)
            and seen.standing.fenced.keys().isdisjoint((one.event.owner, one.institution))
            and one.institution not in away
        }
        statements = {one.position for one in events}
        none = [position for position in positions if position not in statements]
        erased = [one.position for one in events if _erased(seen, one)]
        _delete(records, [*wanted, *none], erased)
        _insert(records, wanted)


def _erased(seen: Look, one: Opened) -> bool:
    """Whether nothing may be left of a statement: its owner is gone for good, or all of them."""
    if seen.standing.erased(one.institution):
        return True
    if isinstance(one.event, StatementStored):
        return seen.standing.erased(one.event.owner)
    gone = seen.destroyed.get(one.key_ids[0]) if one.event is not None else None
    return gone is not None and seen.standing.erased(gone.pseudonym)


def _delete(records: Connection, positions: list[int], erased: list[int]) -> None:
    """Deletes the rows of these positions. Of erased statements voids stay in force, and which of
    their postings stay is judged with the postings.
    """
    records.execute(
        "DELETE FROM lrs.postings p USING lrs.statement_index i, unnest(i.terms) AS t (term)"
        " WHERE i.position = ANY(%s) AND p.term = t.term AND p.position = i.position",
        [positions],
    )
    records.execute(
        "DELETE FROM lrs.statement_index WHERE position = ANY(%s)", [[*positions, *erased]]
    )
    records.execute(
        "DELETE FROM lrs.statement_refs WHERE position = ANY(%s)"
        " OR position = ANY(%s) AND NOT voiding",
        [positions, erased],
    )


def _insert(records: Connection, wanted: dict[int, Expected]) -> None:
    with records.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO lrs.statement_index"
            " (position, originator_id, owner, author, voiding, terms)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            [
                (position, one.originator, one.owner, one.author, one.voiding, sorted(one.terms))
                for position, one in wanted.items()
            ],
        )
        cursor.executemany(
            "INSERT INTO lrs.statement_refs (target, position, voiding) VALUES (%s, %s, %s)",
            [
                (one.target, position, one.voiding)
                for position, one in wanted.items()
                if one.target is not None
            ],
        )
    terms: list[UUID] = [term for one in wanted.values() for term in one.terms]
    places = [position for position, one in wanted.items() for _ in one.terms]
    records.execute(
        "INSERT INTO lrs.postings (term, position)"
        " SELECT term, position FROM unnest(%s::uuid[], %s::bigint[]) AS p (term, position)"
        " ORDER BY term, position ON CONFLICT DO NOTHING",
        [terms, places],
    )
