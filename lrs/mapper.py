"""From domain events to stored bytes and back: sealed under the keys of those whom they concern.

A state is: format (1 byte), institution (16), keyed digest of the content (16, zero where there is
none), then boxes (`lrs.keys.envelope`). The first box holds the event; which boxes a statement has
besides is in `lrs.bodies`. All other events are sealed under the record key of their institution.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

import orjson
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import Mapper, StoredEvent
from eventsourcing.utils import resolve_topic

from domain.errors import Error
from domain.events import Event
from domain.statements.events import StatementStored
from lrs.bodies import BOXED_AUTHORITY, put_together, take_apart
from lrs.compression import Compression
from lrs.keys.blind_index import BlindIndex
from lrs.keys.envelope import DataKey, boxes, nonces, place, seal, unseal
from lrs.keys.ring import KeyRing
from lrs.notifications import Recorded, RecordedEvent, Shredded
from lrs.topics import register

FORMAT = 2
FORMATS = frozenset((BOXED_AUTHORITY, FORMAT))
"""What this version reads; it writes the newest."""

HEADER = 33
NO_DIGEST = bytes(16)
BODY = "body"

register()


class UnknownFormat(Error):
    """These bytes were not written by this or an earlier version."""


class SealingMapper(Mapper[UUID]):
    """The library's mapper, with a key ring in place of its single cipher."""

    def __init__(self, ring: KeyRing, blind: BlindIndex) -> None:
        self._ring = ring
        self._blind = blind
        self._compression = Compression()

    def to_stored_event(self, domain_event: DomainEventProtocol[UUID]) -> StoredEvent:
        event = cast(Event, domain_event)
        if isinstance(event, StatementStored):
            return self.seal_statements([event], [NO_DIGEST])[0]
        owner = event.sealed_for()
        key = self._ring.current(event.institution, [owner])[owner]
        where = place(event.institution, event.originator_id, event.originator_version, BODY)
        content = event.model_dump_json(
            exclude={"originator_id", "originator_version", "institution"}
        ).encode()
        box = seal(key, self._compression.compress(content), where)
        state = self._header(event.institution) + box
        return StoredEvent(event.originator_id, event.originator_version, event.TOPIC, state)

    def seal_statements(
        self, events: Sequence[StatementStored], digests: Sequence[bytes]
    ) -> list[StoredEvent]:
        """Returns the stored events of statements, each with its keyed digest.

        All keys are got at once: to issue them one by one would be a commit for each new person.
        The interpreter is let go of once or twice, not for each: whoever waits for it is woken
        each time.
        """
        named: dict[UUID, dict[int, UUID]] = defaultdict(dict)
        for event in events:
            of_institution = named[event.institution]
            of_institution[event.owner.int] = event.owner
            for _, _, pseudonym in event.people:
                of_institution[pseudonym.int] = pseudonym
        keys: dict[UUID, DataKey] = {}
        for institution, pseudonyms in named.items():
            keys |= self._ring.current(institution, pseudonyms.values())
        parts = [take_apart(event) for event in events]
        bodies = self._compression.compress_all([body for body, _ in parts])
        fresh = nonces(sum(1 + len(others) for _, others in parts))
        stored = []
        for event, digest, body, (_, others) in zip(events, digests, bodies, parts, strict=True):
            institution, originator = event.institution, event.originator_id
            where = place(institution, originator, 1, BODY)
            state = [
                self._header(institution, digest),
                seal(keys[event.owner], body, where, next(fresh)),
            ]
            for number, (pseudonym, agent) in enumerate(others):
                where = place(institution, originator, 1, f"person:{number}")
                state.append(seal(keys[pseudonym], agent, where, next(fresh)))
            stored.append(StoredEvent(originator, 1, event.TOPIC, b"".join(state)))
        return stored

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        """Returns the event, or `Shredded` where the key that seals it was destroyed."""
        return self._opened(stored_event, boxes(stored_event.state, HEADER))

    def _opened(self, stored_event: StoredEvent, held: list[tuple[UUID, bytes]]) -> Any:
        """Returns the event whose boxes are these, or its tombstone."""
        state = stored_event.state
        if state[0] not in FORMATS:
            raise UnknownFormat(f"state format {state[0]} of {stored_event.originator_id}")
        originator = cast(UUID, stored_event.originator_id)
        version = stored_event.originator_version
        institution = UUID(bytes=state[1:17])
        (key_id, sealed), *persons = held
        key = self._ring.open(key_id)
        if key is None:
            return Shredded(originator, version, institution, stored_event.topic, key_id)
        where = place(institution, originator, version, BODY)
        body = self._compression.decompress(unseal(key, sealed, where))
        stream: dict[str, Any] = {
            "originator_id": originator,
            "originator_version": version,
            "institution": institution,
        }
        if stored_event.topic != StatementStored.TOPIC:
            cls = cast(type[Event], resolve_topic(stored_event.topic))
            return cls.model_validate({**orjson.loads(body), **stream})

        def open_person(number: int) -> bytes | None:
            person_key, box = persons[number]
            opened = self._ring.open(person_key)
            where = place(institution, originator, 1, f"person:{number}")
            return None if opened is None else unseal(opened, box, where)

        at = cast(RecordedEvent, stored_event).recorded_at
        return put_together(body, state[0], open_person, at=at, **stream)

    def recorded(self, notifications: list[RecordedEvent]) -> list[Recorded]:
        """Returns domain events with their positions; brings all keys in one query first."""
        held = [boxes(event.state, HEADER) for event in notifications]
        self._ring.load(key_id for found in held for key_id, _ in found)
        return [
            Recorded(event.id, event.recorded_at, self._opened(event, found))
            for event, found in zip(notifications, held, strict=True)
        ]

    def seal_content(
        self, institution: UUID, subject: UUID, content: Any, owner: UUID | None = None
    ) -> bytes:
        """Returns JSON content sealed for tables beside the log, bound to its row `subject`; under
        the institution's record key, or that of the person `owner`.
        """
        holder = owner or institution
        key = self._ring.current(institution, [holder])[holder]
        where = place(institution, subject, 0, "content")
        return seal(key, self._compression.compress(orjson.dumps(content)), where)

    def open_content(self, institution: UUID, subject: UUID, sealed: bytes) -> Any | None:
        """Returns what `seal_content` sealed, or None where the key was destroyed."""
        ((key_id, box),) = boxes(sealed)
        key = self._ring.open(key_id)
        if key is None:
            return None
        where = place(institution, subject, 0, "content")
        return orjson.loads(self._compression.decompress(unseal(key, box, where)))

    def _header(self, institution: UUID, digest: bytes = NO_DIGEST) -> bytes:
        return bytes((FORMAT,)) + institution.bytes + digest
