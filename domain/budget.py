"""The privacy budget of one institution and term: a ledger of what was given and what was spent.

The budget is kept as rho of zero-concentrated differential privacy (Bun and Steinke 2016), which
adds up over releases, and as the delta of the releases that discover their keys. A release is one
event that holds its charge together with the noised rows, so that a number cannot become known
unpaid, and a replay ships the same numbers again. How epsilon and delta become rho, and how noise
is drawn, stands in `clickhouse/`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from math import fsum
from typing import ClassVar, Self
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict

from domain.errors import BudgetExhausted
from domain.events import Event

_LEDGERS = UUID("5f0e3f0c-7f39-4c1b-9a55-5c2d1f8b7d11")


def ledger_id(institution: UUID, term: str) -> UUID:
    """Returns the id of the stream that holds the ledger of this institution and term."""
    return uuid5(_LEDGERS, f"{institution}/{term}")


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Closing(_Value):
    """Where the last window of a stream closed: a position of the log, and the time."""

    position: int
    at: datetime


class Window(_Value):
    """What was stored after the position `after`, up to and including the position `until`.

    Each stored fact falls into exactly one window of a stream. The times are public; the positions
    count every event exactly, so they are never shown to analysts.
    """

    after: int
    until: int
    opened: datetime
    closed: datetime


class Row(_Value):
    """A noised value of the days `start` to `end`, both included; `course` None: all courses."""

    course: UUID | None
    start: date
    end: date
    value: int


class BudgetAllocated(Event):
    """The ledger of a term was opened, with what it may spend.

    `delta` is the part that releases may spend on discovering keys. `began` is when the
    institution's first ledger was opened; `closings` and `courses` (those already published) are
    carried over from the ledger before.
    """

    TOPIC: ClassVar[str] = "budget.allocated"

    term: str
    rho: float
    delta: float
    began: datetime
    closings: dict[str, Closing] = {}
    courses: tuple[UUID, ...] = ()


class Released(Event):
    """A window of a stream was released: what it cost, by which plan, and the noised rows.

    `plan` is the hash of the plan; `bound` the most rows that one learner may count in; `sigma`
    the standard deviation of the noise in each row.
    """

    TOPIC: ClassVar[str] = "budget.released"

    release: UUID
    stream: str
    plan: str
    window: Window
    rho: float
    delta: float
    bound: int
    sigma: float
    rows: tuple[Row, ...]


class LedgerMoved(Event):
    """The institution moved to another log: there its windows closed at these positions."""

    TOPIC: ClassVar[str] = "budget.moved"

    epoch: int
    closings: dict[str, Closing]


@dataclass(frozen=True)
class Ledger:
    """What the events of one ledger come to. `version` is that of the last event."""

    allocated: BudgetAllocated
    version: int
    spent: tuple[float, ...]
    spent_delta: tuple[float, ...]
    closings: dict[str, Closing]
    courses: frozenset[UUID]

    @classmethod
    def fold(cls, events: Sequence[Event]) -> Self | None:
        """Returns the ledger that these events of one stream give; None if there are none."""
        if not events or not isinstance(first := events[0], BudgetAllocated):
            return None
        releases = [event for event in events if isinstance(event, Released)]
        closings = dict(first.closings)
        for event in events:
            if isinstance(event, Released):
                closed = Closing(position=event.window.until, at=event.window.closed)
                closings[event.stream] = closed
            elif isinstance(event, LedgerMoved):
                closings = dict(event.closings)
        published = {row.course for event in releases for row in event.rows if row.course}
        return cls(
            allocated=first,
            version=events[-1].originator_version,
            spent=tuple(event.rho for event in releases),
            spent_delta=tuple(event.delta for event in releases),
            closings=closings,
            courses=frozenset(first.courses) | published,
        )

    @property
    def rho_spent(self) -> float:
        """Rho that the releases of this term have cost."""
        return fsum(self.spent)

    @property
    def rho_left(self) -> float:
        """Rho that is left in this term."""
        return fsum((self.allocated.rho, *(-rho for rho in self.spent)))

    @property
    def delta_left(self) -> float:
        """Delta that is left for discovering keys in this term."""
        return fsum((self.allocated.delta, *(-delta for delta in self.spent_delta)))

    def opening(self, stream: str) -> Closing:
        """Returns where the next window of `stream` opens."""
        return self.closings.get(stream) or Closing(position=0, at=self.allocated.began)

    def check(self, rho: float, delta: float) -> None:
        """Raises BudgetExhausted if this charge is more than what is left. Nothing is refunded."""
        if rho > self.rho_left or delta > self.delta_left:
            raise BudgetExhausted(
                f"the privacy budget of term {self.allocated.term} has {max(self.rho_left, 0):.4g}"
                f" rho left, and this release costs {rho:.4g}; the next term brings a new budget"
            )
