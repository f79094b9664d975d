"""The groups of a release: which of them are public, and how a group becomes a published row.

A group is (course, first day of its span); the course is NO_COURSE where a stream counts the whole
institution.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias
from uuid import UUID

from clickhouse.plans import Plan
from domain.budget import Row, Window
from domain.errors import Invalid

NO_COURSE = UUID(int=0)  # so that groups sort; rows show it as None
LONGEST_CALENDAR = 1100  # days that an operator may declare at once: three years

Group: TypeAlias = tuple[UUID, date]


@dataclass(frozen=True)
class History:
    """The operator's word that a window holds an imported past.

    `first` to `last` are the days on which courses ran, known from the institution's calendar,
    never looked up in the data; without them, days before the window must be discovered.
    """

    first: date | None = None
    last: date | None = None

    def __post_init__(self) -> None:
        if (self.first is None) != (self.last is None):
            raise Invalid("from", "range", "give both the first and the last day, or neither")
        if self.first and self.last and not 0 <= (self.last - self.first).days < LONGEST_CALENDAR:
            raise Invalid("to", "range", "the last day follows the first by at most three years")


def public_groups(
    plan: Plan, window: Window, known: Iterable[UUID], history: History | None
) -> list[Group]:
    """Returns the groups that are known without the data.

    Days: those between the window's opening and closing, and those that the operator declared.
    Courses: those that are `known`, because something of them was published before.
    """
    if plan.rows is None:
        days = [plan.cadence.first(window.closed.date())]
    else:
        days = plan.rows.between(window.opened.date(), window.closed.date())
        if history and history.first and history.last:
            days += plan.rows.between(history.first, history.last)
    courses = known if plan.by_course else [NO_COURSE]
    return [(course, day) for course in courses for day in set(days)]


def row(plan: Plan, window: Window, group: Group, value: int) -> Row:
    """Returns the row of a group: the span that it counts, and its noised value."""
    course, day = group
    start, end = (
        (day, plan.rows.last(day)) if plan.rows else (window.opened.date(), window.closed.date())
    )
    return Row(course=None if course == NO_COURSE else course, start=start, end=end, value=value)
