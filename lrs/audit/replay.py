"""Replay: what the record says of one person, in the order of the log, as of a position.

What was erased shows as erased at its position, for earlier dates too: the past is not kept apart
from the keys. Views as an instructor saw them then are not replayed here.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from heapq import merge
from typing import Any, cast
from uuid import UUID

from domain.erasure import (
    ErasureFenced,
    ErasureRequested,
    ErasureScoped,
    ErasureVerified,
    StorePurged,
    erasure_id,
)
from domain.events import Event
from domain.people import Role
from domain.statements.events import Deviation, StatementStored
from domain.statements.voiding import voids
from domain.values.timestamp import write
from lrs import postings, subjects
from lrs.keys.ring import KeyRing
from lrs.mapper import SealingMapper
from lrs.notifications import Recorded, RecordedEvent
from lrs.services import Services

PAGE = 500

# Among all statements, where others may void the person's; among the person's, of which erasure
# takes the other postings; and among the steps of erasures. Ten seconds: writers blur the order.
POSITION_AT = """
    WITH low AS MATERIALIZED (
        SELECT lrs.position_before(%(moment)s::timestamptz - interval '10 seconds', %(every)s) AS at
    ), high AS MATERIALIZED (
        SELECT lrs.position_from(%(moment)s::timestamptz + interval '10 seconds', %(every)s) AS at
    )
    SELECT coalesce(greatest(
        (SELECT max(s.notification_id) FROM low, high, lrs.postings p
         JOIN lrs.stored_events s ON s.notification_id = p.position
         WHERE p.term = %(every)s AND p.position >= low.at AND p.position < high.at
            AND s.recorded_at <= %(moment)s),
        (SELECT max(s.notification_id) FROM low, lrs.postings p
         JOIN lrs.stored_events s ON s.notification_id = p.position
         WHERE p.term = ANY (%(person)s) AND p.position >= low.at AND s.recorded_at <= %(moment)s),
        (SELECT max(s.notification_id) FROM lrs.erasures e
         JOIN lrs.stored_events s ON s.originator_id = e.erasure
         WHERE e.institution = %(institution)s AND s.recorded_at <= %(moment)s)
    ), 0)
"""


@dataclass(frozen=True)
class Entry:
    """Something that was recorded of the person.

    `kind` is "statement", "erased" (a statement whose content is gone; nothing more is known of
    it), or "erasure" (a step of one; `detail` says which). `roles` are the person's in the
    statement; none where it only refers to one that names the person. `voided_at` is the position
    of the statement that voids this one, `voids` the id of the one that this one voids;
    `deviations` are what it was let through with.
    """

    position: int
    stored: datetime
    kind: str
    statement_id: UUID | None = None
    roles: tuple[Role, ...] = ()
    verb: str | None = None
    object: dict[str, Any] | None = None
    result: dict[str, Any] | None = None
    voids: UUID | None = None
    voided_at: int | None = None
    detail: str | None = None
    deviations: tuple[Deviation, ...] = ()


def as_json(entry: Entry) -> dict[str, Any]:
    """Returns the entry as JSON has it; roles by name, and nothing where nothing is known."""
    said = asdict(entry) | {"roles": [role.name.lower() for role in entry.roles]}
    said["stored"] = write(entry.stored)
    said["deviations"] = [deviation.model_dump() for deviation in entry.deviations]
    for name in ("statement_id", "voids"):
        said[name] = None if said[name] is None else str(said[name])
    return said


class Replay:
    """Histories of persons of every institution."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._pool = services.pool
        self._store = services.store

    def position_at(self, institution: UUID, pseudonym: UUID, moment: datetime) -> int:
        """Returns the last position up to `moment` of all that a replay of the person looks at.

        Only within an institution do times grow with positions: others may have moved here since.
        """
        blind = self._services.blind
        of = {
            "institution": institution,
            "moment": moment,
            "every": blind.term(institution, postings.ALL, ""),
            "person": list(postings.of_person(blind, institution, pseudonym)),
        }
        with self._pool.connection() as connection:
            row = connection.execute(POSITION_AT, of).fetchone()
        assert row is not None
        return int(row[0])

    def of(
        self, institution: UUID, pseudonym: UUID, as_of: int | None = None, after: int = 0
    ) -> Iterator[Entry]:
        """Returns what is recorded of the person after position `after` through `as_of` (None:
        now), in log order. Raises `NotFound` for a pseudonym that is nobody's.
        """
        subjects.check(self._services, institution, pseudonym)
        through = self._store.head() if as_of is None else as_of
        # Keys of its own, in memory for this replay only: what was erased a moment ago must show
        # as erased, even where a cache elsewhere still held the key.
        ring = KeyRing(self._services.keystore_pool, self._services.key_service)
        mapper = SealingMapper(ring, self._services.blind)
        return merge(
            self._statements(mapper, institution, pseudonym, after, through),
            self._erasure(mapper, institution, pseudonym, after, through),
            key=lambda entry: entry.position,
        )

    def _statements(
        self, mapper: SealingMapper, institution: UUID, pseudonym: UUID, after: int, through: int
    ) -> Iterator[Entry]:
        terms = postings.of_person(self._services.blind, institution, pseudonym)
        while positions := self._positions(terms, after, through):
            after = positions[-1]
            recorded = mapper.recorded(self._store.recorder.select_positions(positions))
            voided = self._voided([r.event.originator_id for r in recorded], through)
            for one in recorded:
                yield _entry(one, pseudonym, voided.get(one.event.originator_id))

    def _erasure(
        self, mapper: SealingMapper, institution: UUID, pseudonym: UUID, after: int, through: int
    ) -> Iterator[Entry]:
        stream = self._store.recorder.select_events(erasure_id(institution, pseudonym))
        for one in mapper.recorded(cast(list[RecordedEvent], stream)):
            if after < one.position <= through and isinstance(one.event, Event):
                yield Entry(one.position, one.recorded_at, "erasure", detail=_told(one.event))

    def _positions(self, terms: tuple[UUID, UUID], after: int, through: int) -> list[int]:
        one = (
            "(SELECT position FROM lrs.postings WHERE term = %s AND position > %s"
            " AND position <= %s ORDER BY position LIMIT %s)"
        )
        with self._pool.connection() as connection:
            rows = connection.execute(
                f"{one} UNION {one} ORDER BY position LIMIT %s",
                [*(value for term in terms for value in (term, after, through, PAGE)), PAGE],
            ).fetchall()
        return [row[0] for row in rows]

    def _voided(self, streams: list[UUID], through: int) -> dict[UUID, int]:
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT target, min(position) FROM lrs.statement_refs"
                " WHERE target = ANY(%s) AND voiding AND position <= %s GROUP BY target",
                [streams, through],
            ).fetchall()
        return dict(rows)


def _entry(recorded: Recorded, pseudonym: UUID, voided_at: int | None) -> Entry:
    event = recorded.event
    if not isinstance(event, StatementStored):
        return Entry(recorded.position, recorded.recorded_at, "erased", voided_at=voided_at)
    statement = event.statement
    voided = voids(statement)
    return Entry(
        recorded.position,
        recorded.recorded_at,
        "statement",
        statement_id=UUID(statement["id"]),
        roles=tuple(sorted({p.role for p in event.people if p.pseudonym == pseudonym})),
        verb=statement["verb"]["id"],
        object=statement["object"],
        result=statement.get("result"),
        voids=voided,
        # A void cannot be voided (domain/statements/voiding.py).
        voided_at=None if voided else voided_at,
        deviations=event.deviations,
    )


def _told(event: Event) -> str:
    match event:
        case ErasureRequested():
            return f"requested by {event.by}" + (f": {event.basis}" if event.basis else "")
        case ErasureFenced():
            return "fenced with a Group whose last member this was" if event.members else "fenced"
        case ErasureScoped():
            return "found " + ", ".join(f"{n} {store}" for store, n in event.found.items())
        case StorePurged():
            return f"purged {event.rows} {event.store}"
        case ErasureVerified():
            return "verified: nothing left in " + ", ".join(event.stores)
    return event.TOPIC.removeprefix("erasure.")
