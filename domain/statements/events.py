"""The event that a statement is: as accepted, with the persons that it names.

Its bytes in the log are ciphertext; what this class holds is for memory only.
"""

from functools import lru_cache
from hashlib import sha1
from typing import Any, ClassVar, NamedTuple
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from domain.events import Event
from domain.people import Role


class PersonRef(NamedTuple):
    """A person at a place of a statement: JSON pointer, role, pseudonym."""

    pointer: str
    role: Role
    pseudonym: UUID


class Deviation(BaseModel):
    """Where an accepted statement deviates from its version's rules, and what of it is tolerated.

    `rule` is a `domain.statements.tolerance.Tolerated`; `pointer` is a JSON pointer.
    """

    model_config = ConfigDict(frozen=True)

    pointer: str
    rule: str


class StatementStored(Event):
    """One accepted statement; the first and only event of its stream.

    `statement` has id, version and authority filled in, but neither `stored` nor a timestamp that
    its sender left out: both are `at`, which the database assigns. `deviations` are what its sender
    was let through with.
    """

    TOPIC: ClassVar[str] = "statement.stored"

    statement: dict[str, Any]
    xapi_version: str
    owner: UUID
    people: tuple[PersonRef, ...]
    deviations: tuple[Deviation, ...] = ()


def originator_of(institution: UUID, statement_id: UUID | str) -> UUID:
    """Returns the stream of a statement: one id of one institution is one stream.

    An id that is text must be in small letters.
    """
    # `uuid5` of the standard library (RFC 9562, 5.5), of which this is hot enough to be unrolled.
    name = _namespace(institution) + str(statement_id).encode()
    return UUID(bytes=sha1(name, usedforsecurity=False).digest()[:16], version=5)


@lru_cache(maxsize=1024)
def _namespace(institution: UUID) -> bytes:
    return institution.bytes + b"statement:"
