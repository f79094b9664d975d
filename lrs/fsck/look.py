"""One look at the record store beside a stretch of the log: all of it at the same moment."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from struct import pack
from typing import NamedTuple
from uuid import UUID

from domain.events import Event
from domain.statements.events import StatementStored
from lrs.fsck.expected import Referred
from lrs.fsck.opening import Opened
from lrs.fsck.session import Connection, rows
from lrs.fsck.standing import Destroyed, Standing, destroyed, standing
from lrs.mapper import SealingMapper

_UUID = 2950
_TERM = b"\x00\x00\x00\x10"


class IndexRow(NamedTuple):
    """A row of the index.

    Its ids are as the database sends them: nearly all are only compared, which costs a tenth of
    making them UUIDs. `head` are stream, owner and author, `packed` the terms as an array.
    """

    position: int
    head: bytes
    voiding: bool
    packed: bytes

    @property
    def originator(self) -> UUID:
        """The stream of its statement."""
        return UUID(bytes=self.head[:16])

    def has_just(self, terms: Sequence[UUID]) -> bool:
        """Whether these, each once, are its terms."""
        return self.packed == _packed(terms) or self.terms == set(terms)

    @property
    def terms(self) -> set[UUID]:
        """Its terms."""
        # After a header of 20 bytes each has its length before it, in 4.
        starts = range(24, len(self.packed), 20)
        return {UUID(bytes=self.packed[start : start + 16]) for start in starts}


def _packed(terms: Sequence[UUID]) -> bytes:
    """Returns terms as the database sends them in an index row."""
    each = [_TERM + term.bytes for term in terms]
    return pack("!5i", 1, 0, _UUID, len(each), 1) + b"".join(each)


@dataclass(frozen=True)
class Look:
    """What stands beside the events of one stretch: `after` to `last`, which is part of it.

    `unposted` are positions of index rows that have a term without a posting.
    """

    events: Sequence[Opened]
    statements: Sequence[tuple[int, StatementStored]]
    destroyed: dict[UUID, Destroyed]
    standing: Standing
    referred: Referred
    index: dict[int, IndexRow]
    references: dict[int, set[tuple[UUID, bool]]] = field(default_factory=dict)
    unposted: frozenset[int] = frozenset()


def look(
    records: Connection,
    mapper: SealingMapper,
    events: Sequence[Opened],
    gone: dict[UUID, Destroyed],
    within: tuple[int, int] | None = None,
) -> Look:
    """Returns what stands beside these events, and all else within (after, last], if given."""
    referred = Referred(records, mapper, events)
    people = {key.pseudonym for key in gone.values()} | referred.people()
    people.update([one.institution for one in events])
    statements = []
    for one in events:
        event = one.event
        if isinstance(event, StatementStored):
            statements.append((one.position, event))
            people.add(event.owner)
            people.update([pseudonym for _, _, pseudonym in event.people])
        elif isinstance(event, Event):
            people.add(event.sealed_for())
    where, params = "position = ANY(%s)", ([one.position for one in events],)
    if within is not None:
        where, params = "position > %s AND position <= %s", within  # type: ignore[assignment]
    index = rows(
        records,
        "SELECT position, uuid_send(originator_id) || uuid_send(owner) || uuid_send(author),"
        f" voiding, array_send(terms) FROM lrs.statement_index WHERE {where}",
        *params,
    )
    references: dict[int, set[tuple[UUID, bool]]] = {}
    query = f"SELECT position, target, voiding FROM lrs.statement_refs WHERE {where}"
    for position, target, voiding in rows(records, query, *params):
        references.setdefault(position, set()).add((target, voiding))
    return Look(
        events,
        statements,
        gone,
        standing(records, people),
        referred,
        {row[0]: IndexRow(*row) for row in index},
        references,
        frozenset() if within is None else frozenset(_unposted(records, within)),
    )


def _unposted(records: Connection, within: tuple[int, int]) -> Iterator[int]:
    """Gives the positions of index rows of which a term has no posting.

    Most terms stand in many rows of a stretch, so they are compared term by term, with one descent
    of the postings' index for each; only where the two lists differ it is asked row by row.
    """
    found = rows(
        records,
        "SELECT DISTINCT r.position FROM ("
        "  SELECT t.term, array_agg(i.position) AS positions"
        "  FROM lrs.statement_index i, unnest(i.terms) AS t (term)"
        "  WHERE i.position > %s AND i.position <= %s GROUP BY t.term) AS w,"
        " unnest(w.positions) AS r (position)"
        " WHERE w.positions <> ARRAY(SELECT p.position FROM lrs.postings p WHERE p.term = w.term"
        "  AND p.position > %s AND p.position <= %s ORDER BY p.position)"
        " AND NOT EXISTS (SELECT FROM lrs.postings p"
        "  WHERE p.term = w.term AND p.position = r.position)",
        *within,
        *within,
    )
    return (row[0] for row in found)


def keys_destroyed(keys: Connection, events: Sequence[Opened]) -> dict[UUID, Destroyed]:
    """Returns those keys of the events that are no more. To be asked before the look: a person is
    fenced in the record store before any key goes.
    """
    named = {key for one in events if one.event is not None for key in one.keys}
    return destroyed(keys, [UUID(bytes=key) for key in named])
