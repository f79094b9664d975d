"""What is true of an erasure: the events of the workflow that forgets a person, and their order.

Requested, fenced, scoped, each store purged, verified, certified. An erasure knows a person by
pseudonym only. What carries the steps out is `lrs/erasure.py`; each step can be done again without
harm, so whoever finds an unfinished erasure goes on at `Erasure.next`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Protocol, Self
from uuid import UUID, uuid5

from domain.events import Event
from domain.values.timestamp import write


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


class ErasureRequested(Event):
    """Somebody (`by`: key of a credential, or the command line) asked, on this legal basis."""

    TOPIC: ClassVar[str] = "erasure.requested"

    pseudonym: UUID
    by: str
    basis: str


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


class StorePurged(Event):
    """`rows` of this store are gone; fewer than found where an earlier attempt was cut short."""

    TOPIC: ClassVar[str] = "erasure.store-purged"

    store: str
    rows: int


class ErasureVerified(Event):
    """A scan of these stores found nothing left."""

    TOPIC: ClassVar[str] = "erasure.verified"

    stores: tuple[str, ...]


class ErasureCertified(Event):
    """The signed receipt was issued (`lrs/audit/receipts.py`); the erasure is finished."""

    TOPIC: ClassVar[str] = "erasure.certified"

    receipt: dict[str, Any]


class Step(StrEnum):
    """What is to be done next."""

    FENCE = "fence"
    SCOPE = "scope"
    PURGE = "purge"
    VERIFY = "verify"
    CERTIFY = "certify"


@dataclass(frozen=True)
class Erasure:
    """What the events of one erasure come to. `version` is that of the last event."""

    requested: ErasureRequested
    version: int
    fenced: Mapping[UUID, tuple[UUID, ...]] = field(default_factory=dict)
    found: Mapping[str, int] | None = None
    purged: Mapping[str, int] = field(default_factory=dict)
    verified: tuple[str, ...] | None = None
    receipt: Mapping[str, Any] | None = None
    times: Mapping[str, datetime] = field(default_factory=dict)

    @classmethod
    def fold(cls, events: Iterable[Event]) -> Self | None:
        """Returns the erasure that these events of one stream give; None if there are none."""
        erasure: Self | None = None
        for event in events:
            if isinstance(event, ErasureRequested):
                erasure = cls(event, 1, times={"requested": event.at})
            elif erasure is not None:
                erasure = erasure.after(event)
        return erasure

    def after(self, event: Event) -> Self:
        """Returns the erasure with one event more."""
        moved = replace(self, version=event.originator_version)
        match event:
            case ErasureFenced():
                fenced = {**self.fenced, event.pseudonym: event.members}
                return replace(moved, fenced=fenced, times=self._at("fenced", event))
            case ErasureScoped():
                return replace(moved, found=event.found)
            case StorePurged():
                rows = self.purged.get(event.store, 0) + event.rows
                times = self._at(f"purged:{event.store}", event)
                return replace(moved, purged={**self.purged, event.store: rows}, times=times)
            case ErasureVerified():
                times = self._at("verified", event)
                return replace(moved, verified=event.stores, times=times)
            case ErasureCertified():
                times = self._at("certified", event)
                return replace(moved, receipt=event.receipt, times=times)
        return moved

    @property
    def id(self) -> UUID:
        """The erasure's stream."""
        return self.requested.originator_id

    @property
    def institution(self) -> UUID:
        """The institution whose record it was."""
        return self.requested.institution

    @property
    def pseudonym(self) -> UUID:
        """The person."""
        return self.requested.pseudonym

    @property
    def pseudonyms(self) -> tuple[UUID, ...]:
        """The person, and the anonymous Groups that end with the person."""
        return (self.pseudonym, *(p for p in self.fenced if p != self.pseudonym))

    @property
    def state(self) -> str:
        """How far it is, in one word."""
        if self.receipt is not None:
            return "certified"
        if self.verified is not None:
            return "verified"
        if self.purged:
            return "purging"
        return "fenced" if self.fenced else "requested"

    def next(self, stores: Sequence[str]) -> Step | None:
        """Returns the next step where `stores` are to be purged; None when it is finished."""
        if self.receipt is not None:
            return None
        if not self.fenced:
            return Step.FENCE
        if self.found is None:
            return Step.SCOPE
        if self.unpurged(stores):
            return Step.PURGE
        return Step.CERTIFY if self.verified is not None else Step.VERIFY

    def unpurged(self, stores: Sequence[str]) -> list[str]:
        """Returns which of `stores` are still to be purged, in their order."""
        return [store for store in stores if store not in self.purged]

    def _at(self, what: str, event: Event) -> dict[str, datetime]:
        return {what: event.at, **self.times}


def certificate(erasure: Erasure, fenced_at_position: int, issued: datetime) -> dict[str, Any]:
    """Returns what the receipt of a verified erasure says: what was done and when, never of whom.

    No statement at or after the position names the person. `found` counts rows.
    """
    found = erasure.found or {}
    return {
        "type": "kumbuka-erasure-receipt",
        "version": 1,
        "erasure": str(erasure.id),
        "institution": str(erasure.institution),
        "requested": write(erasure.times["requested"]),
        "fenced": write(erasure.times["fenced"]),
        "fenced_at_position": fenced_at_position,
        "verified": write(erasure.times["verified"]),
        "issued": write(issued),
        "stores": [
            {
                "store": store,
                "found": max(found.get(store, 0), purged),
                "left": 0,
                "purged": write(erasure.times[f"purged:{store}"]),
            }
            for store, purged in erasure.purged.items()
        ],
    }
