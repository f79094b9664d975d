"""What travels from the relay to the folds: facts, voidings, erasures, marks; bytes and back.

A message says the position that it stands for and `prev`, the position of the message before it in
its partition, so that a consumer notices a loss. Decoding checks everything: what a fold gets is
sound, and what is not becomes a dead letter.
"""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from domain.learning.facts import Fact, Verb

FORMAT = 1
LARGEST = 2**62
MALFORMED = (ValueError, TypeError, KeyError, AttributeError)
"""What reading a value of the wrong kind may raise."""


class Kind(StrEnum):
    """What a message asks for."""

    FACT = "fact"
    VOID = "void"
    """The fact at `target` of this learner does not count any more."""
    ERASURE = "erasure"
    """Everything of this learner goes; without one: of the whole institution, in each partition."""
    MARK = "mark"
    """Nothing new for this partition up to `position`."""


class Message(NamedTuple):
    """One message of one partition."""

    kind: Kind
    position: int
    prev: int
    time: datetime
    """When the event at `position` was recorded."""
    institution: UUID | None = None
    learner: UUID | None = None
    target: int | None = None
    fact: Fact | None = None
    raw: bytes = b""
    """The bytes that it came in; kept for dead letters."""
    offset: int | None = None
    """Where it stood in its partition of the topic."""


class Unreadable(Exception):
    """These bytes are no message of ours; the text is a short code, never content."""


class Unsound(Exception):
    """A message of ours whose content breaks a rule; `head` is what can be trusted of it."""

    def __init__(self, reason: str, head: Message) -> None:
        super().__init__(reason)
        self.reason = reason
        self.head = head


class Broken(NamedTuple):
    """What came in and cannot be applied."""

    reason: str
    offset: int | None
    head: Message | None
    """What can be trusted of it; None where it is no message of ours."""
    raw: bytes


Letter = Message | Broken


def receive(raw: bytes, offset: int | None) -> Letter:
    """Returns the message in `raw`, or why there is none."""
    try:
        return decode(raw)._replace(offset=offset)
    except Unreadable as error:
        return Broken(str(error), offset, None, raw)
    except Unsound as error:
        return Broken(error.reason, offset, error.head, raw)


def encode(message: Message) -> bytes:
    """Returns the message as JSON; equal messages give equal bytes."""
    body: dict[str, Any] = {
        "v": FORMAT,
        "position": message.position,
        "prev": message.prev,
        "kind": message.kind.value,
        "time": message.time,
    }
    if message.institution is not None:
        body["institution"] = message.institution
    if message.learner is not None:
        body["learner"] = message.learner
    if message.target is not None:
        body["target"] = message.target
    if message.fact is not None:
        body["fact"] = pack(message.fact)
    return orjson.dumps(body)


def pack(fact: Fact) -> dict[str, Any]:
    """Returns what of a fact the message's head does not say already, without empty fields."""
    return {
        name: value
        for name, value in zip(Fact._fields[3:], fact[3:], strict=True)
        if value is not None and value != ()
    }


def decode(raw: bytes) -> Message:
    """Returns the message. Raises Unreadable, and Unsound where at least its head is sound."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise Unreadable("not JSON") from None
    head = _head(body, raw)
    try:
        if body.get("v") != FORMAT:
            raise ValueError("format")
        return _whole(head, body)
    except MALFORMED as error:
        field = str(error.args[0]) if isinstance(error, KeyError) else "value"
        raise Unsound(f"{type(error).__name__}: {field[:40]}", head) from None


def unpack(packed: dict[str, Any], *, position: int, institution: UUID, learner: UUID) -> Fact:
    """Returns the fact that `pack` packed. Raises one of `MALFORMED`."""
    unknown = packed.keys() - _PARSERS.keys()
    if unknown:
        raise ValueError("unknown field")
    values = {name: _PARSERS[name](value) for name, value in packed.items()}
    values.setdefault("activity", None)
    segments = values.get("segments", ())
    if len(segments) % 2:
        raise ValueError("segments")
    return Fact(position=position, institution=institution, learner=learner, **values)


def _head(body: Any, raw: bytes) -> Message:
    try:
        return Message(
            kind=Kind(body["kind"]),
            position=_position(body["position"]),
            prev=_position(body["prev"]),
            time=_moment(body["time"]),
            institution=_uuid(body["institution"]) if "institution" in body else None,
            learner=_uuid(body["learner"]) if "learner" in body else None,
            raw=raw,
        )
    except MALFORMED:
        raise Unreadable("no head") from None


def _whole(head: Message, body: dict[str, Any]) -> Message:
    if head.kind is Kind.MARK:
        return head
    if head.institution is None:
        raise KeyError("institution")
    if head.kind is Kind.ERASURE:
        return head
    if head.learner is None:
        raise KeyError("learner")
    if head.kind is Kind.VOID:
        return head._replace(target=_position(body["target"]))
    fact = unpack(
        body["fact"],
        position=head.position,
        institution=head.institution,
        learner=head.learner,
    )
    return head._replace(fact=fact)


@lru_cache(maxsize=65536)
def _uuid(text: str) -> UUID:
    return UUID(text)


def _position(value: Any) -> int:
    if type(value) is not int or not 0 <= value < LARGEST:
        raise ValueError("position")
    return value


def _moment(text: Any) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("no zone")
    return moment.astimezone(UTC)


def _number(value: Any) -> float:
    number = float(value)
    if isinstance(value, str | bool) or not math.isfinite(number) or number < 0:
        raise ValueError("number")
    return number


def _share(value: Any) -> float:
    if _number(value) > 1:
        raise ValueError("share")
    return float(value)


def _boolean(value: Any) -> bool:
    if value is not True and value is not False:
        raise ValueError("boolean")
    return bool(value)


_PARSERS: dict[str, Callable[[Any], Any]] = {
    "statement": UUID,
    "course": _uuid,
    "activity": _uuid,
    "verb": Verb,
    "at": _moment,
    "registration": _uuid,
    "competencies": lambda values: tuple(map(_uuid, values)),
    "credit": _share,
    "score": _share,
    "passed": _boolean,
    "completion": _boolean,
    "progress": _share,
    "seconds": _number,
    "length": _number,
    "segments": lambda values: tuple(map(_number, values)),
    "weight": _number,
    "due": _moment,
}
