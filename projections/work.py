"""Fold: what one learner did with one activity of a course, and what is known of the activity.

Order-free, except that statements within ten seconds count as one attempt, which goes by arrival.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from domain.learning.facts import Fact
from projections.enrolments import is_later

ONE_SUBMISSION = timedelta(seconds=10)
"""Several statements of one submission (answered, scored, passed) are one piece of evidence."""
MOST_SEGMENTS = 200


@dataclass(slots=True)
class Work:
    """State of a learner's work; the columns of the table `work`, in order."""

    statements: int = 0
    attempts: int = 0
    best: float | None = None
    best_statement: UUID | None = None
    evidence_at: datetime | None = None
    passed_position: int | None = None
    completed: bool | None = None
    completed_at: datetime | None = None
    completed_position: int | None = None
    submitted_at: datetime | None = None
    submitted_by: UUID | None = None
    progress: float | None = None
    length: float | None = None
    segments: list[float] = field(default_factory=list)

    def fold(self, fact: Fact) -> None:
        """Takes one fact in."""
        self.statements += 1
        if fact.credit is not None:
            self._evidence(fact, fact.credit if fact.score is None else fact.score)
        if fact.passed and (self.passed_position is None or fact.position < self.passed_position):
            self.passed_position = fact.position
        if fact.completion is not None and is_later(
            fact.at, fact.position, self.completed_at, self.completed_position
        ):
            self.completed = fact.completion
            self.completed_at, self.completed_position = fact.at, fact.position
        if (fact.credit is not None or fact.completion) and (
            self.submitted_at is None
            or self.submitted_by is None
            or (fact.at, fact.statement) < (self.submitted_at, self.submitted_by)
        ):
            self.submitted_at, self.submitted_by = fact.at, fact.statement
        self.progress = greater(self.progress, fact.progress)
        self.length = greater(self.length, fact.length)
        if fact.segments:
            self.segments = union(self.segments, fact.segments)

    def _evidence(self, fact: Fact, value: float) -> None:
        if self.evidence_at is None or abs(fact.at - self.evidence_at) > ONE_SUBMISSION:
            self.attempts += 1
            self.evidence_at = fact.at
        if (
            self.best is None
            or self.best_statement is None
            or value > self.best
            or (value == self.best and fact.statement < self.best_statement)
        ):
            self.best, self.best_statement = value, fact.statement


@dataclass(slots=True)
class Activity:
    """What the statements of a partition say of an activity; columns of `activities`, in order."""

    completable: bool = False
    weight: float | None = None
    due: datetime | None = None
    announced_position: int | None = None

    def fold(self, fact: Fact) -> bool:
        """Takes one fact in; returns whether anything changed."""
        changed = False
        if not self.completable and (
            fact.credit is not None or fact.completion is not None or fact.progress is not None
        ):
            self.completable = changed = True
        if (fact.weight is not None or fact.due is not None) and fact.position > (
            self.announced_position or 0
        ):
            self.weight, self.due = fact.weight, fact.due
            self.announced_position = fact.position
            changed = True
        return changed


def greater(known: float | None, new: float | None) -> float | None:
    """Returns the greater of two numbers that may be missing."""
    if known is None or new is None:
        return new if known is None else known
    return max(known, new)


def union(known: list[float], new: tuple[float, ...]) -> list[float]:
    """Returns the union of two lists of segments, in order, as start, end, start, end.

    Beyond `MOST_SEGMENTS` the smallest gaps are closed, so that nobody's seeking grows without end.
    """
    pairs = sorted([*_pairs(known), *_pairs(new)])
    merged: list[list[float]] = []
    for start, end in pairs:
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    while len(merged) > MOST_SEGMENTS:
        gap = min(range(1, len(merged)), key=lambda i: merged[i][0] - merged[i - 1][1])
        merged[gap - 1][1] = merged.pop(gap)[1]
    return [value for pair in merged for value in pair]


def watched(segments: list[float], length: float | None) -> float | None:
    """Returns the share of a video that was played, 0 to 1; None where its length is unknown."""
    if not length:
        return None
    return min(1.0, sum(end - start for start, end in _pairs(segments)) / length)


def _pairs(values: list[float] | tuple[float, ...]) -> list[tuple[float, float]]:
    return list(zip(values[::2], values[1::2], strict=True))
