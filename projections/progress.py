"""How far a learner is: weighted share of a course's items, satisfied or partly done.

The course's items are its imported outline, else what was seen in it; whoever shows the number says
which (`Basis`), because "of what was seen" grows with the course.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from projections.work import watched


class Basis(StrEnum):
    """What progress is measured against."""

    OUTLINE = "outline"
    SEEN = "seen"


class MoveOn(StrEnum):
    """What satisfies an item (cmi5 10.2.4)."""

    PASSED = "Passed"
    COMPLETED = "Completed"
    COMPLETED_AND_PASSED = "CompletedAndPassed"
    COMPLETED_OR_PASSED = "CompletedOrPassed"
    NOT_APPLICABLE = "NotApplicable"


@dataclass(frozen=True, slots=True)
class Item:
    """Something to be done in a course."""

    weight: float = 1.0
    required: bool = True
    due: datetime | None = None
    move_on: MoveOn = MoveOn.COMPLETED_OR_PASSED


ANY = Item()
"""What stands for an activity of which nothing was announced."""


@dataclass(frozen=True)
class Items:
    """The items of a course, those that count: `NotApplicable` ones ask for nothing."""

    basis: Basis
    total: float
    """Sum of the weights."""
    known: Mapping[UUID, Item] = field(default_factory=dict)

    def get(self, activity: UUID) -> Item | None:
        """Returns the item that an activity is; None where it is none of the course's."""
        return self.known.get(activity, ANY if self.basis is Basis.SEEN else None)


@dataclass(frozen=True, slots=True)
class Done:
    """What a learner did of an activity, as far as progress goes."""

    activity: UUID
    passed: bool
    completed: bool
    progress: float | None = None
    length: float | None = None
    segments: tuple[float, ...] = ()


def satisfied(move_on: MoveOn, *, passed: bool, completed: bool) -> bool:
    """Whether an item asks for no more."""
    match move_on:
        case MoveOn.PASSED:
            return passed
        case MoveOn.COMPLETED:
            return completed
        case MoveOn.COMPLETED_AND_PASSED:
            return completed and passed
        case MoveOn.COMPLETED_OR_PASSED:
            return completed or passed
        case MoveOn.NOT_APPLICABLE:
            return True


def progress(work: Iterable[Done], items: Items, completed: bool) -> float | None:
    """Returns 0 to 1; None where the course has nothing to be done."""
    if completed:
        return 1.0
    if items.total <= 0:
        return None
    gained = 0.0
    for done in work:
        item = items.get(done.activity)
        if item is not None:
            gained += item.weight * _share(done, item)
    return min(1.0, gained / items.total)


def _share(done: Done, item: Item) -> float:
    """Returns 1 for what is satisfied, else what was reported or watched of it."""
    if satisfied(item.move_on, passed=done.passed, completed=done.completed):
        return 1.0
    played = watched(list(done.segments), done.length) if done.segments else None
    return max(done.progress or 0.0, played or 0.0)
