"""The academic term of a date: the span in which privacy budgets are given and add up.

The default calendar has two terms a year, January to June (H1) and July to December (H2). An
institution with other terms gives a calendar of its own. Nothing here reads a clock.
"""

from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True)
class Term:
    """The days from `first` to `last`, both included. `label` is unique within a calendar."""

    label: str
    first: date
    last: date


@dataclass(frozen=True)
class Start:
    """The day of the year on which the term called `name` begins."""

    month: int
    day: int
    name: str


class Calendar:
    """The terms of an institution: each lasts until the next one begins, so no day is in none."""

    def __init__(self, *starts: Start) -> None:
        if not starts:
            raise ValueError("a calendar has at least one term a year")
        self._starts = sorted(starts, key=lambda start: (start.month, start.day))

    def term(self, day: date) -> Term:
        """Returns the term that contains `day`, labelled by the year in which it begins."""
        begun = [
            (date(year, start.month, start.day), start.name)
            for year in (day.year - 1, day.year, day.year + 1)
            for start in self._starts
        ]
        index = max(i for i, (first, _) in enumerate(begun) if first <= day)
        first, name = begun[index]
        following, _ = begun[index + 1]
        return Term(f"{first.year}-{name}", first, following - timedelta(days=1))

    def before(self, term: Term) -> Term:
        """Returns the term that ended when `term` began."""
        return self.term(term.first - timedelta(days=1))


HALF_YEARS = Calendar(Start(1, 1, "H1"), Start(7, 1, "H2"))
