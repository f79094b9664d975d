"""What is true of workflows that purge: the steps that those of persons and institutions share.

Requested, fenced, scoped, each store purged, verified, certified. What goes, and what its events
say, is in `domain/erasure.py` (a person) and `domain/closure.py` (an institution). What carries the
steps out is `lrs/workflow.py`; each can be done again without harm, so whoever finds an unfinished
workflow goes on at `Workflow.next`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Self
from uuid import UUID

from domain.events import Event
from domain.values.timestamp import write


class Requested(Event):
    """Somebody (`by`: key of a credential, or the command line) asked, on this legal basis."""

    by: str
    basis: str


class Purged(Event):
    """`rows` of this store are gone; fewer than found where an earlier attempt was cut short."""

    store: str
    rows: int


class Certified(Event):
    """The signed receipt was issued (`lrs/audit/receipts.py`); the workflow is finished."""

    receipt: dict[str, Any]


class Step(StrEnum):
    """What is to be done next."""

    FENCE = "fence"
    SCOPE = "scope"
    PURGE = "purge"
    VERIFY = "verify"
    CERTIFY = "certify"


@dataclass(frozen=True)
class Workflow:
    """What the events of one workflow come to. `version` is that of the last event.

    `found` and `purged` count rows by store; `times` says when each step was done.
    """

    NAME: ClassVar[str]
    """What receipts call the id."""
    RECEIPT: ClassVar[str]
    """What receipts say that they are."""

    requested: Requested
    version: int
    found: Mapping[str, int] | None = None
    purged: Mapping[str, int] = field(default_factory=dict)
    receipt: Mapping[str, Any] | None = None
    times: Mapping[str, datetime] = field(default_factory=dict)

    @classmethod
    def fold(cls, events: Iterable[Event]) -> Self | None:
        """Returns the workflow that these events of one stream give; None if there are none."""
        workflow: Self | None = None
        for event in events:
            if isinstance(event, Requested):
                workflow = cls(event, 1, times={"requested": event.at})
            elif workflow is not None:
                workflow = workflow.after(event)
        return workflow

    def after(self, event: Event) -> Self:
        """Returns the workflow with one event more."""
        moved = replace(self, version=event.originator_version)
        match event:
            case Purged():
                rows = self.purged.get(event.store, 0) + event.rows
                moved = replace(moved, purged={**self.purged, event.store: rows})
                return moved.timed(f"purged:{event.store}", event)
            case Certified():
                return replace(moved, receipt=event.receipt).timed("certified", event)
        return moved

    def timed(self, what: str, event: Event) -> Self:
        """Returns the workflow with the time of a step, which is that of its first event."""
        return replace(self, times={what: event.at, **self.times})

    @property
    def id(self) -> UUID:
        """The workflow's stream."""
        return self.requested.originator_id

    @property
    def institution(self) -> UUID:
        """The institution whose record it is about."""
        return self.requested.institution

    @property
    def state(self) -> str:
        """How far it is, in one word."""
        if self.receipt is not None:
            return "certified"
        if "verified" in self.times:
            return "verified"
        if self.purged:
            return "purging"
        return "fenced" if "fenced" in self.times else "requested"

    def next(self, stores: Sequence[str]) -> Step | None:
        """Returns the next step where `stores` are to be purged; None when it is finished."""
        if self.receipt is not None:
            return None
        if "fenced" not in self.times:
            return Step.FENCE
        if self.found is None:
            return Step.SCOPE
        if self.unpurged(stores):
            return Step.PURGE
        return Step.CERTIFY if "verified" in self.times else Step.VERIFY

    def unpurged(self, stores: Sequence[str]) -> list[str]:
        """Returns which of `stores` are still to be purged, in their order."""
        return [store for store in stores if store not in self.purged]

    def certificate(self, fenced_at_position: int, issued: datetime) -> dict[str, Any]:
        """Returns what the receipt says once this is verified: what was done, when, never of whom.

        Nothing of what goes stands at or after the position. `found` counts rows.
        """
        found = self.found or {}
        return {
            "type": self.RECEIPT,
            "version": 1,
            self.NAME: str(self.id),
            "institution": str(self.institution),
            "requested": write(self.times["requested"]),
            "fenced": write(self.times["fenced"]),
            "fenced_at_position": fenced_at_position,
            "verified": write(self.times["verified"]),
            "issued": write(issued),
            "stores": [
                {
                    "store": store,
                    "found": max(found.get(store, 0), rows),
                    "left": 0,
                    "purged": write(self.times[f"purged:{store}"]),
                }
                for store, rows in self.purged.items()
            ],
        }
