"""The event that a statement is: as accepted, with the persons that it names.

Its bytes in the log are ciphertext; what this class holds is for memory only.
"""

from typing import Any, ClassVar, NamedTuple
from uuid import UUID, uuid5

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
    return uuid5(institution, f"statement:{statement_id}")
