"""What is true of an erasure: the workflow that forgets a person (`domain/workflow.py`).

Scoped apart from fenced: a Group may get its first statement until nothing can come any more. An
erasure knows a person by pseudonym only. What carries the steps out is `lrs/erasure.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Protocol, Self
from uuid import UUID, uuid5

from domain.events import Event
from domain.workflow import Certified, Purged, Requested, Workflow


def erasure_id(institution: UUID, pseudonym: UUID) -> UUID:
    """Returns the stream of a person's erasure: there is one for each pseudonym, ever."""
    return uuid5(institution, f"erasure:{pseudonym}")


class Purger(Protocol):
    """A store that may hold something of a person."""

    @property
    def name(self) -> str:
        """What receipts call this store; never changed."""
        ...

    def count(self, institution: UUID, pseudonym: UUID) -> int:
        """Returns how many rows it holds of the person."""
        ...

    def purge(self, institution: UUID, pseudonym: UUID) -> int:
        """Deletes them for good; returns how many. Again is no error."""
        ...


class ErasureRequested(Requested):
    """Somebody asked that the person be forgotten."""

    TOPIC: ClassVar[str] = "erasure.requested"

    pseudonym: UUID


class ErasureFenced(Event):
    """Nothing that names `pseudonym` can be written from here on.

    The person; or, with `members`, an anonymous Group whose last member not erased the person was.
    """

    TOPIC: ClassVar[str] = "erasure.fenced"

    pseudonym: UUID
    members: tuple[UUID, ...] = ()


class ErasureScoped(Event):
    """How many rows each store held once nothing more could come."""

    TOPIC: ClassVar[str] = "erasure.scoped"

    found: dict[str, int]


class StorePurged(Purged):
    """A store holds nothing of the person any more."""

    TOPIC: ClassVar[str] = "erasure.store-purged"


class ErasureVerified(Event):
    """A scan of these stores found nothing left."""

    TOPIC: ClassVar[str] = "erasure.verified"

    stores: tuple[str, ...]


class ErasureCertified(Certified):
    """The person is forgotten."""

    TOPIC: ClassVar[str] = "erasure.certified"


@dataclass(frozen=True)
class Erasure(Workflow):
    """What the events of one erasure come to.

    `fenced` has the person, and the anonymous Groups that end with the person, by their members.
    """

    NAME: ClassVar[str] = "erasure"
    RECEIPT: ClassVar[str] = "kumbuka-erasure-receipt"

    requested: ErasureRequested
    fenced: Mapping[UUID, tuple[UUID, ...]] = field(default_factory=dict)

    def after(self, event: Event) -> Self:
        """Returns the erasure with one event more."""
        moved = super().after(event)
        match event:
            case ErasureFenced():
                fenced = {**self.fenced, event.pseudonym: event.members}
                return replace(moved, fenced=fenced).timed("fenced", event)
            case ErasureScoped():
                return replace(moved, found=event.found)
            case ErasureVerified():
                return moved.timed("verified", event)
        return moved

    @property
    def pseudonym(self) -> UUID:
        """The person."""
        return self.requested.pseudonym

    @property
    def pseudonyms(self) -> tuple[UUID, ...]:
        """The person, and the anonymous Groups that end with the person."""
        return (self.pseudonym, *(p for p in self.fenced if p != self.pseudonym))
