"""What is released: each stream with its groups, bounds, cadence and part of the term's budget.

A window that closes on schedule costs `part` of the budget per period of its cadence. The first
release of an institution may hold years that were imported at once: it, and each later one that the
operator declares to be such, costs `history_part` instead, with a bound that fits many days. All
parts of a full term and one history stay within the budget; a test adds them up.
"""

from dataclasses import asdict, dataclass
from datetime import date, timedelta
from enum import StrEnum
from hashlib import sha256

import orjson


class Period(StrEnum):
    """A span of the calendar: days, ISO weeks and months in UTC."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    def first(self, day: date) -> date:
        """Returns the first day of the period that contains `day`."""
        if self is Period.WEEK:
            return day - timedelta(days=day.weekday())
        return day.replace(day=1) if self is Period.MONTH else day

    def last(self, day: date) -> date:
        """Returns the last day of the period that contains `day`."""
        if self is Period.MONTH:
            return (self.first(day) + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        return self.first(day) + timedelta(days=6 if self is Period.WEEK else 0)

    def between(self, earlier: date, later: date) -> list[date]:
        """Returns the first days of all periods that overlap the days from `earlier` to `later`."""
        starts = [self.first(earlier)]
        while starts[-1] <= later:
            starts.append(self.last(starts[-1]) + timedelta(days=1))
        return starts[:-1]

    def passed(self, earlier: date, later: date) -> int:
        """Returns how many periods began after `earlier`, until `later`."""
        return max(0, len(self.between(earlier, later)) - 1)


class Source(StrEnum):
    """What is counted: the view that `inputs` reads."""

    ACTIVITY = "activity"  # learners with a statement in the group
    COMPLETIONS = "completions"  # learners who completed the course, each once
    STATEMENTS = "statements"  # statements, so many of each learner at most


@dataclass(frozen=True)
class Plan:
    """One stream of releases.

    Rows are one per span of `rows` by the statements' timestamps, or with None one for the window;
    `by_course`: and one per course. A learner counts in at most `bound` rows per window
    (`history_bound` for history), for at most `each` in one.
    """

    stream: str
    title: str
    source: Source
    cadence: Period
    rows: Period | None
    by_course: bool
    each: int
    bound: int
    bound_most: int
    history_bound: int
    part: float
    history_part: float

    @property
    def hash(self) -> str:
        """Names this plan exactly: releases of equal hash are comparable."""
        return sha256(orjson.dumps(asdict(self), option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]

    @property
    def discovers(self) -> bool:
        """Whether rows exist that the calendar alone does not name."""
        return self.by_course or self.rows is not None

    def allowance(self, periods: int, *, history: bool) -> tuple[int, float]:
        """Returns the bound and the part of the term's budget for a window.

        `periods` of the cadence passed since the last window; a window that was closed early
        counts as one. More periods pay more and bound less strictly, so that the noise stays.
        """
        if history:
            return self.history_bound, self.history_part
        periods = max(1, periods)
        return min(self.bound * periods, self.bound_most), self.part * periods


# In order of release: a course that the first discovers is known to those after it.
PLANS = (
    Plan(
        stream="course-learners",
        title="Learners who were active in each course",
        source=Source.ACTIVITY,
        cadence=Period.MONTH,
        rows=None,
        by_course=True,
        each=1,
        bound=4,  # courses at the same time
        bound_most=8,
        history_bound=4,
        part=0.007,
        history_part=0.06,
    ),
    Plan(
        stream="daily-actives",
        title="Daily active learners of the institution",
        source=Source.ACTIVITY,
        cadence=Period.DAY,
        rows=Period.DAY,
        by_course=False,
        each=1,
        bound=2,  # a window that closes after midnight, and a little that comes late
        bound_most=31,
        history_bound=40,
        part=0.0007,
        history_part=0.13,
    ),
    Plan(
        stream="weekly-actives",
        title="Weekly active learners of each course",
        source=Source.ACTIVITY,
        cadence=Period.WEEK,
        rows=Period.WEEK,
        by_course=True,
        each=1,
        bound=4,
        bound_most=26,
        history_bound=40,  # the weeks of a year
        part=0.0065,
        history_part=0.2,
    ),
    Plan(
        stream="completions",
        title="Learners who completed each course",
        source=Source.COMPLETIONS,
        cadence=Period.MONTH,
        rows=None,
        by_course=True,
        each=1,
        bound=2,
        bound_most=4,
        history_bound=4,
        part=0.014,
        history_part=0.06,
    ),
    Plan(
        stream="statements",
        title="Statements of the institution, at most 200 of each learner",
        source=Source.STATEMENTS,
        cadence=Period.WEEK,
        rows=None,
        by_course=False,
        each=200,
        bound=1,
        bound_most=1,
        history_bound=1,
        part=0.002,
        history_part=0.03,
    ),
)


def plan(stream: str) -> Plan:
    """Returns the plan of this stream; raises KeyError if there is none."""
    return {each.stream: each for each in PLANS}[stream]
