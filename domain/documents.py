"""Documents (State, Agent Profile, Activity Profile): merging, entity tags, preconditions.

1.0.3 Communication 2.2 and 3.1; 2.0.0 4.1.4 and 4.1.6. Bytes are kept as they came; nothing here
knows where.
"""

from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha1
from typing import Any, ClassVar
from uuid import UUID

import orjson

from domain.errors import Conflict, Invalid, PreconditionFailed
from domain.events import Event
from domain.values import json_text
from domain.values.version import Version

JSON = "application/json"


class Kind(StrEnum):
    """What a document belongs to."""

    STATE = "state"
    ACTIVITY_PROFILE = "activity-profile"
    AGENT_PROFILE = "agent-profile"


@dataclass(frozen=True, slots=True)
class Document:
    """What is kept: its type, its size in bytes, and the digests of its content in hex."""

    document_id: str
    content_type: str
    size: int
    sha1: str
    sha2: str

    @property
    def etag(self) -> str:
        """The entity tag: SHA-1 in hex, quoted (1.0.3 Communication 3.1)."""
        return f'"{self.sha1}"'


class _DocumentEvent(Event):
    owner: UUID

    def sealed_for(self) -> UUID:
        """A document is sealed for whom it belongs to: a person, or the institution."""
        return self.owner


class DocumentStored(_DocumentEvent):
    """The document has this content from now on."""

    TOPIC: ClassVar[str] = "document.stored"

    kind: Kind
    document_id: str
    content_type: str
    content_id: UUID
    size: int
    sha1: str
    sha2: str


class DocumentDeleted(_DocumentEvent):
    """The document is no more; what it was stays in its stream."""

    TOPIC: ClassVar[str] = "document.deleted"

    kind: Kind
    document_id: str


@dataclass(frozen=True, slots=True)
class Preconditions:
    """`If-Match` and `If-None-Match` as they were sent; None where they were not."""

    if_match: str | None = None
    if_none_match: str | None = None

    def __bool__(self) -> bool:
        return self.if_match is not None or self.if_none_match is not None


def check(preconditions: Preconditions, current: Document | None) -> None:
    """Raises `PreconditionFailed` where a header that was sent does not hold (RFC 9110, 13.1)."""
    wanted, unwanted = preconditions.if_match, preconditions.if_none_match
    if wanted is not None and not _matches(wanted, current):
        raise PreconditionFailed("If-Match: the document is not the one that was read; read again")
    if unwanted is not None and _matches(unwanted, current):
        raise PreconditionFailed("If-None-Match: there is such a document already; read it")


def check_put(
    kind: Kind, version: Version, preconditions: Preconditions, current: Document | None
) -> None:
    """Raises what a PUT is refused with: replacing unseen content must be said to be meant.

    Profiles in both versions, and State since 2.0.0 (4.1.4), need a header to replace; in 1.0.3 a
    profile needs one even to be made (Communication 3.1).
    """
    check(preconditions, current)
    if preconditions or (kind is Kind.STATE and version is Version.V1_0_3):
        return
    if current is not None:
        raise Conflict(
            "the document exists: read it, then send If-Match with its ETag, "
            "or If-None-Match: * to write only where there is none"
        )
    if version is Version.V1_0_3:
        raise Invalid(
            "If-None-Match",
            "precondition-required",
            "send If-None-Match: * to make a profile, or If-Match to replace one",
            "1.0.3 Communication 3.1",
        )


def merge(old: bytes | None, old_type: str | None, new: bytes, new_type: str) -> bytes:
    """Returns the content after a POST: top-level properties of `new` replace those of `old`.

    Raises `Invalid` unless both are JSON objects (1.0.3 Communication 2.2.7). Where there was no
    document, a POST is a PUT (2.2.7 too); then what says that it is JSON must only be JSON.
    """
    if old is None:
        if is_json(new_type):
            json_text.parse(new)
        return new
    fresh = _object(new, new_type, "the posted document")
    return orjson.dumps({**_object(old, old_type or "", "the stored document"), **fresh})


def digest(content: bytes) -> str:
    """Returns the SHA-1 of `content` in hex: a name for a version, not a protection."""
    return sha1(content, usedforsecurity=False).hexdigest()


def is_json(content_type: str) -> bool:
    """Whether a media type is JSON, parameters left aside."""
    return content_type.partition(";")[0].strip().lower() == JSON


def _object(content: bytes, content_type: str, what: str) -> dict[str, Any]:
    value = json_text.parse(content) if is_json(content_type) else None
    if not isinstance(value, dict):
        raise Invalid(
            "",
            "merge",
            f"{what} is not a JSON object of type {JSON}, so it cannot be merged: use PUT",
            "1.0.3 Communication 2.2.7",
        )
    return value


def _matches(header: str, current: Document | None) -> bool:
    if current is None:
        return False
    tags = [tag.strip().removeprefix("W/") for tag in header.split(",")]
    return "*" in tags or current.etag in tags or current.sha1 in tags
