"""One look at the record store beside a stretch of the log: all of it at the same moment."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from domain.events import Event
from domain.statements.events import StatementStored
from lrs.fsck.expected import Referred
from lrs.fsck.opening import Opened
from lrs.fsck.session import Connection, rows
from lrs.fsck.standing import Destroyed, Standing, destroyed, standing
from lrs.mapper import SealingMapper


@dataclass(frozen=True, slots=True)
class IndexRow:
    """A row of the index; `unposted` says whether one of its terms has no posting.

    Its terms are as the database sends an array: nearly all are only compared, which costs a tenth
    of making them UUIDs.
    """

    position: int
    originator: UUID
    owner: UUID
    author: UUID
    voiding: bool
    packed: bytes
    unposted: bool

    def has_just(self, terms: Collection[UUID]) -> bool:
        """Whether these, each once, are its terms."""
        return self._each() == {term.bytes for term in terms}

    @property
    def terms(self) -> set[UUID]:
        """Its terms."""
        return {UUID(bytes=term) for term in self._each()}

    def _each(self) -> set[bytes]:
        # After a header of 20 bytes each has its length before it, in 4.
        return {self.packed[start : start + 16] for start in range(24, len(self.packed), 20)}


@dataclass(frozen=True)
class Look:
    """What stands beside the events of one stretch: `after` to `last`, which is part of it."""

    events: Sequence[Opened]
    destroyed: dict[UUID, Destroyed]
    standing: Standing
    referred: Referred
    index: dict[int, IndexRow]
    references: dict[int, set[tuple[UUID, bool]]] = field(default_factory=dict)


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
    people.update(one.institution for one in events)
    for one in events:
        if isinstance(one.event, StatementStored):
            people.add(one.event.owner)
            people.update(person.pseudonym for person in one.event.people)
        elif isinstance(one.event, Event):
            people.add(one.event.sealed_for())
    where, params = "position = ANY(%s)", ([one.position for one in events],)
    if within is not None:
        where, params = "position > %s AND position <= %s", within  # type: ignore[assignment]
    index = rows(
        records,
        "SELECT position, originator_id, owner, author, voiding, array_send(terms),"
        " EXISTS (SELECT FROM unnest(i.terms) AS t (term) WHERE NOT EXISTS"
        "  (SELECT FROM lrs.postings p WHERE p.term = t.term AND p.position = i.position))"
        f" FROM lrs.statement_index i WHERE {where}",
        *params,
    )
    references: dict[int, set[tuple[UUID, bool]]] = {}
    query = f"SELECT position, target, voiding FROM lrs.statement_refs WHERE {where}"
    for position, target, voiding in rows(records, query, *params):
        references.setdefault(position, set()).add((target, voiding))
    return Look(
        events,
        gone,
        standing(records, people),
        referred,
        {row[0]: IndexRow(*row) for row in index},
        references,
    )


def keys_destroyed(keys: Connection, events: Sequence[Opened]) -> dict[UUID, Destroyed]:
    """Returns those keys of the events that are no more. To be asked before the look: a person is
    fenced in the record store before any key goes.
    """
    return destroyed(keys, {key for one in events if one.event is not None for key in one.key_ids})
