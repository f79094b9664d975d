"""From domain events to stored bytes and back: sealed under the keys of those whom they concern.

A state is: format (1 byte), institution (16), keyed digest of the content (16, zero where there is
none), then boxes (`lrs.keys.envelope`). The first box holds the event. For a statement it is sealed
under the key of its owner, the actor; every other person whom the statement names has a box of
their own, so that erasing one person leaves the records of the others whole. All other events are
sealed under the record key of their institution.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast
from uuid import UUID

import orjson
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import Mapper, StoredEvent
from eventsourcing.utils import resolve_topic

from domain.errors import Error
from domain.events import Event
from domain.people import Role
from domain.statements.events import Deviation, PersonRef, StatementStored
from lrs.compression import Compression
from lrs.keys.blind_index import BlindIndex
from lrs.keys.envelope import DataKey, boxes, place, seal, unseal
from lrs.keys.ring import KeyRing
from lrs.notifications import Recorded, RecordedEvent, Shredded
from lrs.topics import register

FORMAT = 1
HEADER = 33
NO_DIGEST = bytes(16)
BODY = "body"
ERASED_HOME_PAGE = "https://erased.invalid/"
"""homePage of the account that stands for an erased person; `.invalid` belongs to nobody."""

STAYS = frozenset(("objectType", "member"))
"""What of an agent stays in the body: the rest alone says who it is."""

_ESCAPES = re.compile("~[01]")


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
        state = self._header(event.institution) + seal(key, self._compress(content), where)
        return StoredEvent(event.originator_id, event.originator_version, event.TOPIC, state)

    def seal_statements(
        self, events: Sequence[StatementStored], digests: Sequence[bytes]
    ) -> list[StoredEvent]:
        """Returns the stored events of an institution's statements, each with its keyed digest.

        All keys are got at once: to issue them one by one would be a commit for each new person.
        """
        named = {event.owner for event in events}
        named.update(person.pseudonym for event in events for person in event.people)
        keys = self._ring.current(events[0].institution, named)
        return [
            self._seal_statement(event, digest, keys)
            for event, digest in zip(events, digests, strict=True)
        ]

    def _seal_statement(
        self, event: StatementStored, digest: bytes, keys: Mapping[UUID, DataKey]
    ) -> StoredEvent:
        others = [person for person in event.people if person.pseudonym != event.owner]
        statement, agents = _take_out(event.statement, [person.pointer for person in others])
        body: dict[str, Any] = {
            "statement": statement,
            "version": event.xapi_version,
            "owner": event.owner.hex,
            "people": [[p.pointer, int(p.role), p.pseudonym.hex] for p in event.people],
        }
        if event.deviations:
            body["deviations"] = [[d.pointer, d.rule] for d in event.deviations]

        def box(pseudonym: UUID, content: bytes, part: str) -> bytes:
            where = place(event.institution, event.originator_id, 1, part)
            return seal(keys[pseudonym], content, where)

        state = [
            self._header(event.institution, digest),
            box(event.owner, self._compress(orjson.dumps(body)), BODY),
        ]
        state += [
            box(person.pseudonym, orjson.dumps(agent), f"person:{number}")
            for number, (person, agent) in enumerate(zip(others, agents, strict=True))
        ]
        return StoredEvent(
            event.originator_id, event.originator_version, event.TOPIC, b"".join(state)
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        """Returns the event, or `Shredded` where the key that seals it was destroyed."""
        state = bytes(stored_event.state)
        if state[0] != FORMAT:
            raise UnknownFormat(f"state format {state[0]} of {stored_event.originator_id}")
        originator = cast(UUID, stored_event.originator_id)
        version = stored_event.originator_version
        institution = UUID(bytes=state[1:17])
        (key_id, sealed), *persons = boxes(state, HEADER)
        key = self._ring.open(key_id)
        if key is None:
            return Shredded(originator, version, institution, stored_event.topic, key_id)
        where = place(institution, originator, version, BODY)
        content = orjson.loads(self._compression.decompress(unseal(key, sealed, where)))
        stream: dict[str, Any] = {
            "originator_id": originator,
            "originator_version": version,
            "institution": institution,
        }
        if stored_event.topic != StatementStored.TOPIC:
            cls = cast(type[Event], resolve_topic(stored_event.topic))
            return cls.model_validate({**content, **stream})
        people = tuple(
            PersonRef.model_construct(pointer=p, role=Role(r), pseudonym=UUID(hex=h))
            for p, r, h in content["people"]
        )
        owner = UUID(hex=content["owner"])
        statement = content["statement"]
        others = [person for person in people if person.pseudonym != owner]
        for number, (person, (person_key, box)) in enumerate(zip(others, persons, strict=True)):
            opened = self._ring.open(person_key)
            agent = (
                anonymous(person.pseudonym)
                if opened is None
                else orjson.loads(
                    unseal(opened, box, place(institution, originator, 1, f"person:{number}"))
                )
            )
            _put_back(statement, person.pointer, agent)
        return StatementStored.model_construct(
            **stream,
            at=cast(RecordedEvent, stored_event).recorded_at,
            statement=statement,
            xapi_version=content["version"],
            owner=owner,
            people=people,
            deviations=tuple(
                Deviation.model_construct(pointer=pointer, rule=rule)
                for pointer, rule in content.get("deviations", ())
            ),
        )

    def recorded(self, notifications: list[RecordedEvent]) -> list[Recorded]:
        """Returns domain events with their positions; brings all keys in one query first."""
        self._ring.load(
            key_id for event in notifications for key_id, _ in boxes(event.state, HEADER)
        )
        return [
            Recorded(event.id, event.recorded_at, self.to_domain_event(event))
            for event in notifications
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
        return seal(key, self._compress(orjson.dumps(content)), where)

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

    def _compress(self, content: bytes) -> bytes:
        return self._compression.compress(content)


def anonymous(pseudonym: UUID) -> dict[str, Any]:
    """Returns the identifier that stands for an erased person."""
    return {"account": {"homePage": ERASED_HOME_PAGE, "name": str(pseudonym)}}


def _take_out(
    statement: dict[str, Any], pointers: list[str]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Returns the statement without the agents at `pointers`, and those agents in that order.

    What says nobody's name stays in place; so do a Group's members, who have boxes of their own.
    """
    rest = statement
    agents = []
    copied: set[str] = set()
    for pointer in pointers:
        rest = _copy_path(rest, pointer, copied)
        holder, key = _step(rest, pointer)
        agent = holder[key]
        agents.append({name: value for name, value in agent.items() if name not in STAYS})
        holder[key] = {name: value for name, value in agent.items() if name in STAYS}
        copied.add(pointer)
    return rest, agents


def _copy_path(root: dict[str, Any], pointer: str, copied: set[str]) -> dict[str, Any]:
    """Returns `root` with every container on the way to `pointer` copied once."""
    if "" not in copied:
        root = dict(root)
        copied.add("")
    holder: Any = root
    path = ""
    for part in _parts(pointer)[:-1]:
        path += f"/{part}"
        index = int(part) if isinstance(holder, list) else part
        if path not in copied:
            holder[index] = (
                list(holder[index]) if isinstance(holder[index], list) else dict(holder[index])
            )
            copied.add(path)
        holder = holder[index]
    return root


def _put_back(statement: dict[str, Any], pointer: str, agent: dict[str, Any]) -> None:
    holder, key = _step(statement, pointer)
    holder[key] = {**agent, **holder[key]}


def _step(root: Any, pointer: str) -> tuple[Any, Any]:
    *path, last = _parts(pointer)
    for part in path:
        root = root[int(part)] if isinstance(root, list) else root[part]
    return root, int(last) if isinstance(root, list) else last


def _parts(pointer: str) -> list[str]:
    return [
        _ESCAPES.sub(lambda match: "~" if match[0] == "~0" else "/", part)
        for part in pointer[1:].split("/")
    ]
