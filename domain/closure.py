"""What is true of a closure: the events of the workflow that erases a whole institution.

Requested, fenced, each store purged, verified, certified. The events belong to the deployment
(`INSTANCE`), not to the institution: its keys are destroyed, and the receipt must stay readable.
What carries the steps out is `lrs/closure.py`; each can be done again without harm, so whoever
finds an unfinished closure goes on at `Closure.next`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Protocol, Self
from uuid import UUID, uuid5

from domain.events import Event
from domain.institutions import INSTANCE
from domain.values.timestamp import write


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


class ClosureRequested(Event):
    """Somebody (`by`: key of a credential, or the command line) asked, on this basis."""

    TOPIC: ClassVar[str] = "closure.requested"

    erased: UUID
    by: str
    basis: str


class ClosureFenced(Event):
    """Nothing of the institution `erased` can be written from here on; so much was found of it."""

    TOPIC: ClassVar[str] = "closure.fenced"

    erased: UUID
    found: dict[str, int]


class HoldingPurged(Event):
    """`rows` of this store are gone."""

    TOPIC: ClassVar[str] = "closure.store-purged"

    store: str
    rows: int


class ClosureVerified(Event):
    """A scan of the log up to `position` found `events` of the institution, none of which opens.

    And nothing else of it in any store.
    """

    TOPIC: ClassVar[str] = "closure.verified"

    position: int
    events: int


class ClosureCertified(Event):
    """The signed receipt was issued (`lrs/audit/receipts.py`); the closure is finished."""

    TOPIC: ClassVar[str] = "closure.certified"

    receipt: dict[str, Any]


class Step(StrEnum):
    """What is to be done next."""

    FENCE = "fence"
    PURGE = "purge"
    VERIFY = "verify"
    CERTIFY = "certify"


@dataclass(frozen=True)
class Closure:
    """What the events of one closure come to. `version` is that of the last event."""

    requested: ClosureRequested
    version: int
    found: Mapping[str, int] | None = None
    purged: Mapping[str, int] = field(default_factory=dict)
    verified: ClosureVerified | None = None
    receipt: Mapping[str, Any] | None = None
    times: Mapping[str, datetime] = field(default_factory=dict)

    @classmethod
    def fold(cls, events: Iterable[Event]) -> Self | None:
        """Returns the closure that these events of one stream give; None if there are none."""
        closure: Self | None = None
        for event in events:
            if isinstance(event, ClosureRequested):
                closure = cls(event, 1, times={"requested": event.at})
            elif closure is not None:
                closure = closure.after(event)
        return closure

    def after(self, event: Event) -> Self:
        """Returns the closure with one event more."""
        moved = replace(self, version=event.originator_version)
        match event:
            case ClosureFenced():
                return replace(moved, found=event.found, times=self._at("fenced", event))
            case HoldingPurged():
                rows = self.purged.get(event.store, 0) + event.rows
                times = {**self.times, f"purged:{event.store}": event.at}
                return replace(moved, purged={**self.purged, event.store: rows}, times=times)
            case ClosureVerified():
                return replace(moved, verified=event, times=self._at("verified", event))
            case ClosureCertified():
                times = self._at("certified", event)
                return replace(moved, receipt=event.receipt, times=times)
        return moved

    @property
    def id(self) -> UUID:
        """The closure's stream."""
        return self.requested.originator_id

    @property
    def institution(self) -> UUID:
        """The institution that goes."""
        return self.requested.erased

    @property
    def state(self) -> str:
        """How far it is, in one word."""
        if self.receipt is not None:
            return "certified"
        if self.verified is not None:
            return "verified"
        if self.purged:
            return "purging"
        return "requested" if self.found is None else "fenced"

    def next(self, stores: Sequence[str]) -> Step | None:
        """Returns the next step where `stores` are to be purged; None when it is finished."""
        if self.receipt is not None:
            return None
        if self.found is None:
            return Step.FENCE
        if self.unpurged(stores):
            return Step.PURGE
        return Step.CERTIFY if self.verified is not None else Step.VERIFY

    def unpurged(self, stores: Sequence[str]) -> list[str]:
        """Returns which of `stores` are still to be purged, in their order."""
        return [store for store in stores if store not in self.purged]

    def _at(self, what: str, event: Event) -> dict[str, datetime]:
        return {what: event.at, **self.times}


def certificate(closure: Closure, fenced_at_position: int, issued: datetime) -> dict[str, Any]:
    """Returns what the receipt of a verified closure says: what was done and when; no name.

    No statement and no document of the institution stands after the position. `log` counts events
    that stay as tombstones: their place and time are left, no key opens them. `found` counts rows.
    """
    assert closure.verified is not None
    found = closure.found or {}
    return {
        "type": "kumbuka-institution-erasure-receipt",
        "version": 1,
        "closure": str(closure.id),
        "institution": str(closure.institution),
        "requested": write(closure.times["requested"]),
        "fenced": write(closure.times["fenced"]),
        "fenced_at_position": fenced_at_position,
        "verified": write(closure.times["verified"]),
        "issued": write(issued),
        "log": {"scanned_to": closure.verified.position, "tombstones": closure.verified.events},
        "stores": [
            {
                "store": store,
                "found": max(found.get(store, 0), rows),
                "left": 0,
                "purged": write(closure.times[f"purged:{store}"]),
            }
            for store, rows in closure.purged.items()
        ],
    }
