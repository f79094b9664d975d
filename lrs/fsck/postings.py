"""The pass over the postings: each belongs to the index row of a statement, or to one erased.

That every term of an index row has its posting is asked in the pass over the log.
"""

from collections.abc import Iterator, Sequence
from uuid import UUID

from domain.statements.events import StatementStored
from lrs.fsck.findings import Kind
from lrs.fsck.look import keys_destroyed
from lrs.fsck.opening import Opened, opened
from lrs.fsck.session import Session, rows
from lrs.fsck.standing import standing
from lrs.fsck.workers import Workers
from lrs.notifications import RecordedEvent, Shredded
from lrs.postings import of_person
from lrs.recorder import COLUMNS

BATCH = 20_000
WAITING = 50_000
NAME = "postings"

Posting = tuple[UUID, int]
Stray = tuple[UUID, int, bool]
"""A posting, and whether there is an index row at its position."""


def check(session: Session, workers: Workers) -> None:
    """Walks all postings in the order of their index."""
    left: dict[Posting, UUID] = {}
    for strays in workers.each(find_strays, _parts(session)):
        left |= _judge(session, strays)
        if len(left) > WAITING:
            _judge_left(session, left)
            left = {}
    _judge_left(session, left)
    session.tell(NAME, 1, 1)


def _parts(session: Session) -> Iterator[tuple[Posting, Posting]]:
    """Cuts the postings into parts of `BATCH`: each is what comes after a place, up to another."""
    query = (
        "SELECT term, position FROM lrs.postings WHERE (term, position) > (%s, %s)"
        " ORDER BY term, position OFFSET %s LIMIT 1"
    )
    place: Posting = (UUID(int=0), -(2**63))
    while found := rows(session.records, query, *place, BATCH - 1):
        yield place, found[0]
        place = found[0]
        session.tell(NAME, place[0].int >> 96, 1 << 32)  # keyed hashes: they are spread evenly
    yield place, (UUID(int=2**128 - 1), 2**63 - 1)


def find_strays(session: Session, part: tuple[Posting, Posting]) -> list[Stray]:
    """Returns the postings of a part that are not among the terms of their row."""
    (after, until), scope = part, session.scope
    query = (
        "SELECT p.term, p.position, i.position IS NOT NULL"
        " FROM lrs.postings p LEFT JOIN lrs.statement_index i USING (position)"
        " WHERE (p.term, p.position) > (%s, %s) AND (p.term, p.position) <= (%s, %s)"
        " AND p.position > %s AND p.position <= %s"
        " AND (i.position IS NULL OR p.term <> ALL (i.terms))"
    )
    return rows(session.records, query, *after, *until, scope.since, scope.head)


def _judge(session: Session, strays: Sequence[Stray]) -> dict[Posting, UUID]:
    """Reports what is wrong for certain; returns what may belong to somebody who was erased."""
    events = _events(session, {position for _, position, _ in strays})
    gone = keys_destroyed(session.keys, list(events.values()))
    blind = session.services.blind
    bad: list[Posting] = []
    left: dict[Posting, UUID] = {}
    for term, position, indexed in strays:
        one = events.get(position)
        institution = None if one is None else one.institution
        if one is None or one.stored.topic != StatementStored.TOPIC:
            kind = Kind.POSTING_ORPHAN
        elif indexed:
            kind = Kind.POSTING_EXTRA
        else:
            owner = _owner(one)
            if isinstance(one.event, Shredded) and one.event.key_id in gone:
                owner = gone[one.event.key_id].pseudonym
            # Without index row: of somebody erased, or found to be missing by the pass before.
            if owner is not None and term not in of_person(blind, one.institution, owner):
                left[term, position] = one.institution
            continue
        if session.report(kind, position, institution):
            bad.append((term, position))
    _delete(session, bad)
    return left


def _judge_left(session: Session, left: dict[Posting, UUID]) -> None:
    """Reports those of the postings of erased statements that belong to nobody who was erased.

    What stays of an erased statement finds it by its owner, and by the members of a Group.
    """
    if not left:
        return
    blind = session.services.blind
    terms = {term for term, _ in left}
    after = UUID(int=0)
    while terms:
        page = rows(
            session.records,
            "SELECT institution, pseudonym FROM lrs.fences WHERE pseudonym > %s"
            " ORDER BY pseudonym LIMIT 5000",
            after,
        )
        for institution, person in page:
            terms.difference_update(of_person(blind, institution, person))
        if not page:
            break
        after = page[-1][1]
    live = _live(session, {position for term, position in left if term in terms})
    bad = [place for place in left if place[0] in terms and place[1] not in live]
    told = [p for p in bad if session.report(Kind.POSTING_ERASED, p[1], left[p])]
    _delete(session, told)


def _live(session: Session, positions: set[int]) -> set[int]:
    """Returns positions of statements that were not erased: their index rows are missing."""
    events = _events(session, positions)
    owners = {position: owner for position, one in events.items() if (owner := _owner(one))}
    fenced = standing(session.records, set(owners.values())).fenced
    return {position for position, owner in owners.items() if owner not in fenced}


def _owner(one: Opened) -> UUID | None:
    return one.event.owner if isinstance(one.event, StatementStored) else None


def _events(session: Session, positions: set[int]) -> dict[int, Opened]:
    """Returns what stands at these positions."""
    if not positions:
        return {}
    query = f"SELECT {COLUMNS} FROM lrs.stored_events WHERE notification_id = ANY(%s)"
    stored = [RecordedEvent(*row) for row in rows(session.records, query, list(positions))]
    return {one.position: one for one in opened(session.services.store.mapper, stored)}


def _delete(session: Session, bad: Sequence[Posting]) -> None:
    """Deletes postings that were found wrong, if they still are not among their row's terms."""
    if not (session.repair and bad):
        return
    with session.alone() as records:
        records.execute(
            "DELETE FROM lrs.postings p"
            " USING unnest(%s::uuid[], %s::bigint[]) AS b (term, position)"
            " WHERE p.term = b.term AND p.position = b.position AND NOT EXISTS ("
            "  SELECT FROM lrs.statement_index i"
            "  WHERE i.position = b.position AND b.term = ANY (i.terms))",
            [[term for term, _ in bad], [position for _, position in bad]],
        )
