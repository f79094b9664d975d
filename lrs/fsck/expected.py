"""What the index must say of a statement, by the log alone: its own terms and those it inherits."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from domain.people import Role
from domain.statements.events import StatementStored, originator_of
from domain.statements.references import activities, is_voiding, target
from lrs import postings
from lrs.fsck.opening import Opened, opened
from lrs.fsck.session import Connection, rows
from lrs.fsck.standing import Standing, standing
from lrs.keys.blind_index import BlindIndex
from lrs.mapper import SealingMapper
from lrs.notifications import RecordedEvent
from lrs.recorder import COLUMNS


class Own(NamedTuple):
    """The rows of one statement by itself."""

    originator: UUID
    owner: UUID
    author: UUID
    voiding: bool
    target: UUID | None
    terms: list[UUID]


@dataclass(slots=True)
class Expected:
    """The rows of one statement, with what it inherits.

    `also` are terms that do no harm: the first release posted them besides. `open_ended`: it refers
    to a statement that was erased, and may have inherited terms that nobody can tell any more.
    """

    originator: UUID
    owner: UUID
    author: UUID
    voiding: bool
    target: UUID | None
    terms: set[UUID]
    also: set[UUID] = field(default_factory=set)
    open_ended: bool = False


def own(blind: BlindIndex, event: StatementStored) -> Own:
    """Returns what is expected of a statement by itself."""
    return Own(
        event.originator_id,
        event.owner,
        next(pseudonym for _, role, pseudonym in event.people if role is Role.AUTHORITY),
        is_voiding(event.statement),
        _target(event),
        postings.terms_of(blind, event),
    )


def besides(blind: BlindIndex, event: StatementStored) -> set[UUID]:
    """Returns the terms that the first release posted besides: each person's and activity's related
    one, wherever the narrow one stood.
    """
    people = {person.pseudonym for person in event.people}
    return {
        *(postings.of_person(blind, event.institution, person)[1] for person in people),
        *(
            blind.term(event.institution, postings.RELATED_ACTIVITY, ref.activity["id"])
            for ref in activities(event.statement)
        ),
    }


class Referred:
    """The statements that some of a batch refer to, directly or by others."""

    def __init__(self, records: Connection, mapper: SealingMapper, batch: Sequence[Opened]) -> None:
        self._records = records
        self._mapper = mapper
        self._found: dict[UUID, StatementStored | None] = {}
        self._standing = Standing(frozenset(), {})
        self._follow(one.event for one in batch if isinstance(one.event, StatementStored))

    def behind(self, event: StatementStored) -> tuple[list[StatementStored], bool]:
        """Returns what the statement refers to, in order, and whether all of it could be read.

        Where an erased statement stands in between, what is behind it cannot be told.
        """
        chain: list[StatementStored] = []
        seen = {event.originator_id}
        stream = _target(event)
        while stream is not None and stream not in seen and stream in self._found:
            seen.add(stream)
            found = self._found[stream]
            if found is None or found.owner in self._standing.fenced:
                return chain, False
            chain.append(found)
            stream = _target(found)
        return chain, True

    def people(self) -> set[UUID]:
        """Returns everybody whom these statements name."""
        found = (event for event in self._found.values() if event is not None)
        return {person.pseudonym for event in found for person in event.people}

    def _follow(self, events: Iterable[StatementStored]) -> None:
        wanted = {stream for event in events if (stream := _target(event)) is not None}
        while wanted:
            query = (
                f"SELECT {COLUMNS} FROM lrs.stored_events"
                " WHERE originator_id = ANY(%s) AND originator_version = 1"
            )
            stored = [RecordedEvent(*row) for row in rows(self._records, query, list(wanted))]
            wanted = set()
            for one in opened(self._mapper, stored):
                event = one.event if isinstance(one.event, StatementStored) else None
                self._found[one.stream] = event
                if event is not None and (further := _target(event)) is not None:
                    wanted.add(further)
            wanted -= self._found.keys()
        owners = {event.owner for event in self._found.values() if event is not None}
        if owners:
            self._standing = standing(self._records, owners)


def complete(
    blind: BlindIndex, event: StatementStored, referred: Referred, fenced: Mapping[UUID, bool]
) -> Expected:
    """Returns what is expected of a statement with what it inherits.

    Whoever is fenced is not to be found as an agent any more, only as one who is named.
    """
    alone = own(blind, event)
    wanted = Expected(*alone[:-1], set(alone.terms))
    chain, all_read = referred.behind(event)
    wanted.open_ended = not all_read
    for one in (event, *chain):
        wanted.terms.update(postings.terms_of(blind, one))
        wanted.also |= besides(blind, one)
        demote(blind, one, fenced, wanted.terms)
    return wanted


def demote(
    blind: BlindIndex, event: StatementStored, fenced: Iterable[UUID], terms: set[UUID]
) -> None:
    """Replaces in `terms` what finds a fenced person of the statement as an agent."""
    gone = set(fenced)
    for pseudonym in {p.pseudonym for p in event.people} & gone:
        agent, related = postings.of_person(blind, event.institution, pseudonym)
        if agent in terms:
            terms.remove(agent)
            terms.add(related)


def _target(event: StatementStored) -> UUID | None:
    referred = target(event.statement)
    return None if referred is None else originator_of(event.institution, referred)
