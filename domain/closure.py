"""What is true of a closure: the workflow that erases a whole institution (`domain/workflow.py`).

Its events belong to the deployment (`INSTANCE`), not to the institution: its keys are destroyed,
and the receipt must stay readable. What carries the steps out is `lrs/closure.py`.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, Protocol, Self
from uuid import UUID, uuid5

from domain.events import Event
from domain.institutions import INSTANCE
from domain.workflow import Certified, Purged, Requested, Workflow


def closure_id(institution: UUID) -> UUID:
    """Returns the stream of an institution's closure: there is one, ever."""
    return uuid5(INSTANCE, f"closure:{institution}")


class Holding(Protocol):
    """A store that holds something of an institution. Each may be purged again at any time."""

    @property
    def name(self) -> str:
        """What receipts call this store; never changed."""
        ...

    def count_all(self, institution: UUID) -> int:
        """Returns how many rows it holds of the institution."""
        ...

    def purge_all(self, institution: UUID) -> int:
        """Deletes them for good; returns how many. Only once the institution is fenced."""
        ...


class ClosureRequested(Requested):
    """Somebody asked that the institution `erased` go."""

    TOPIC: ClassVar[str] = "closure.requested"

    erased: UUID


class ClosureFenced(Event):
    """Nothing of the institution `erased` can be written from here on; so much was found of it."""

    TOPIC: ClassVar[str] = "closure.fenced"

    erased: UUID
    found: dict[str, int]


class HoldingPurged(Purged):
    """A store holds nothing of the institution any more."""

    TOPIC: ClassVar[str] = "closure.store-purged"


class ClosureVerified(Event):
    """A scan of the log up to `position` found `events` of the institution, none of which opens.

    And nothing else of it in any store.
    """

    TOPIC: ClassVar[str] = "closure.verified"

    position: int
    events: int


class ClosureCertified(Certified):
    """The institution is gone."""

    TOPIC: ClassVar[str] = "closure.certified"


@dataclass(frozen=True)
class Closure(Workflow):
    """What the events of one closure come to. It is scoped as it is fenced."""

    NAME: ClassVar[str] = "closure"
    RECEIPT: ClassVar[str] = "kumbuka-institution-erasure-receipt"

    requested: ClosureRequested
    verified: ClosureVerified | None = None

    def after(self, event: Event) -> Self:
        """Returns the closure with one event more."""
        moved = super().after(event)
        match event:
            case ClosureFenced():
                return replace(moved, found=event.found).timed("fenced", event)
            case HoldingPurged():  # Its time is when the last of it went.
                return replace(moved, times={**moved.times, f"purged:{event.store}": event.at})
            case ClosureVerified():
                return replace(moved, verified=event).timed("verified", event)
        return moved

    @property
    def institution(self) -> UUID:
        """The institution that goes."""
        return self.requested.erased

    def certificate(self, fenced_at_position: int, issued: datetime) -> dict[str, Any]:
        """Returns what the receipt of a verified closure says.

        `log` counts events that stay as tombstones: their place and time are left, no key opens
        them.
        """
        assert self.verified is not None
        log = {"scanned_to": self.verified.position, "tombstones": self.verified.events}
        return {**super().certificate(fenced_at_position, issued), "log": log}
