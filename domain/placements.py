"""What is true of a placement: where an institution lives, and what is under way between shards.

A move copies while the institution goes on, shuts out writers for the rest, flips, and clears
what is left behind. One that is given up before the flip clears what it had copied. `lrs/moves`
carries it out.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar
from uuid import UUID, uuid5

from domain.events import Event

HOME = "home"
"""The shard that every installation has; it keeps the directory of the others."""


class State(StrEnum):
    """How a placement stands."""

    SETTLED = "settled"
    COPYING = "copying"
    SHUT = "shut"
    CLEARING = "clearing"


@dataclass(frozen=True)
class Placement:
    """Requests go to `shard`. While not settled, `other` is copied to, or cleared after a flip.

    `epoch` counts the moves: positions of another epoch are of another log.
    """

    institution: UUID
    shard: str = HOME
    state: State = State.SETTLED
    other: str | None = None
    epoch: int = 0


class InstitutionMoved(Event):
    """The institution lives on another shard from here on; what was copied was compared first.

    `digest` (hex) is over every event moved, in order; it is what both logs gave.
    """

    TOPIC: ClassVar[str] = "institution.moved"

    source: str
    target: str
    epoch: int
    events: int
    statements: int
    digest: str


def placement_id(institution: UUID) -> UUID:
    """Returns the stream that an institution's moves are recorded in."""
    return uuid5(institution, "placement")


def directory_id(institution: UUID) -> UUID:
    """Returns whose key seals what the directory keeps of an institution, wherever it lives."""
    return uuid5(institution, "directory")
