"""Who struggles in a course, and why: a pure judgement over what the folds know of its learners.

A clock tick evaluates a course that changed, as of its newest activity, so that a course of last
year is judged as of its own end and holidays flag nobody. Rules with weights, while there are no
labels to fit a risk model on (docs/learning.md). Demographics are never inputs.
"""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

EXPOSURE = timedelta(days=7)
"""Nobody is flagged before."""
TOP = 0.2
"""Share of the learners of a course that may be flagged."""

INACTIVE_DAYS = 7.0
LOW_SCORE = 0.5
BEHIND = 0.5
"""Share of the cohort's median of finished work."""
LATE = 2
"""Pieces of work handed in after their due date."""
WHEEL_ATTEMPTS = 10
WHEEL_STREAK = 3
ENOUGH_SCORES = 2

WEIGHTS: Mapping[str, float] = {
    "never_started": 3.0,
    "inactive": 2.0,
    "missed_deadline": 2.0,
    "low_score": 1.5,
    "behind_pace": 1.0,
    "wheel_spinning": 1.0,
    "late_work": 0.5,
}


@dataclass(frozen=True, slots=True)
class Task:
    """What a learner did with an item of the course, or did not."""

    due: datetime | None = None
    score: float | None = None
    submitted_at: datetime | None = None
    statement: UUID | None = None
    """What handed it in."""


@dataclass(frozen=True, slots=True)
class Practice:
    """A competency on which a learner practises."""

    attempts: int
    longest: int
    """Longest row of right answers."""
    mastered: bool
    statements: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """What is known of a learner of the course who has not withdrawn."""

    learner: UUID
    registered_at: datetime | None = None
    registered_by: UUID | None = None
    first_active: datetime | None = None
    last_active: datetime | None = None
    last_statement: UUID | None = None
    done: int = 0
    """Items finished."""
    completed: bool = False
    tasks: tuple[Task, ...] = ()
    practice: tuple[Practice, ...] = ()


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a learner is flagged: the value found, the bound it passed, and what the cohort has."""

    code: str
    value: float
    threshold: float
    cohort: float | None
    evidence: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Flag:
    """A learner to look after."""

    learner: UUID
    weight: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class _Cohort:
    """What is usual in the course, as of `at`."""

    at: datetime
    start: datetime
    """The course's first activity: who registered before could not begin earlier."""
    idle: tuple[float, ...]
    scores: tuple[float, ...]
    done: tuple[float, ...]
    missed: tuple[float, ...]


def evaluate(rows: Sequence[Row], at: datetime) -> list[Flag]:
    """Returns the flags of a course as of `at`, the weightiest first; ties by pseudonym.

    At most a fifth of the learners, each with at least a week of exposure and one reason; whoever
    completed the course is not judged.
    """
    start = min((row.first_active for row in rows if row.first_active), default=None)
    if start is None:
        return []
    cohort = _Cohort(
        at=at,
        start=start,
        idle=tuple(_days(at, row.last_active) for row in rows if row.last_active),
        scores=tuple(mean for row in rows if (mean := _mean_score(row)) is not None),
        done=tuple(float(row.done) for row in rows if row.last_active),
        missed=tuple(float(len(_missed(row, at, start))) for row in rows),
    )
    flags = []
    for row in rows:
        begin = _begin(row, start)
        if row.completed or begin is None or at - begin < EXPOSURE:
            continue
        reasons = tuple(found for rule in _RULES if (found := rule(row, cohort)) is not None)
        if reasons:
            weight = sum(WEIGHTS[reason.code] for reason in reasons)
            flags.append(Flag(row.learner, weight, reasons))
    flags.sort(key=lambda flag: (-flag.weight, flag.learner))
    return flags[: math.ceil(len(rows) * TOP)]


def _inactive(row: Row, cohort: _Cohort) -> Reason | None:
    """A week or more, and longer than four in five of the cohort: holidays flag nobody."""
    if row.last_active is None:
        return None
    idle = _days(cohort.at, row.last_active)
    usual = _percentile(cohort.idle, 0.8)
    threshold = max(INACTIVE_DAYS, usual)
    if idle < INACTIVE_DAYS or idle <= usual:
        return None
    return Reason("inactive", idle, threshold, _median(cohort.idle), _some(row.last_statement))


def _never_started(row: Row, cohort: _Cohort) -> Reason | None:
    begin = _begin(row, cohort.start)
    if row.last_active is not None or begin is None:
        return None
    waited = _days(cohort.at, begin)
    return Reason("never_started", waited, float(EXPOSURE.days), None, _some(row.registered_by))


def _missed_deadline(row: Row, cohort: _Cohort) -> Reason | None:
    missed = _missed(row, cohort.at, cohort.start)
    if not missed:
        return None
    evidence = _some(row.last_statement or row.registered_by)
    return Reason("missed_deadline", float(len(missed)), 1.0, _median(cohort.missed), evidence)


def _low_score(row: Row, cohort: _Cohort) -> Reason | None:
    mean = _mean_score(row)
    if mean is None or mean >= LOW_SCORE or len(cohort.scores) < 2:
        return None
    low = sorted(
        (t for t in row.tasks if t.score is not None and t.score < LOW_SCORE),
        key=lambda t: t.score or 0.0,
    )
    evidence = tuple(t.statement for t in low[:3] if t.statement)
    return Reason("low_score", mean, LOW_SCORE, _median(cohort.scores), evidence)


def _behind_pace(row: Row, cohort: _Cohort) -> Reason | None:
    usual = _median(cohort.done)
    if row.last_active is None or usual is None or usual < 2 or row.done >= BEHIND * usual:
        return None
    evidence = _some(row.last_statement)
    return Reason("behind_pace", float(row.done), BEHIND * usual, usual, evidence)


def _late_work(row: Row, cohort: _Cohort) -> Reason | None:  # noqa: ARG001
    late = [t for t in row.tasks if t.due and t.submitted_at and t.submitted_at > t.due]
    if len(late) < LATE:
        return None
    evidence = tuple(t.statement for t in late[-3:] if t.statement)
    return Reason("late_work", float(len(late)), float(LATE), None, evidence)


def _wheel_spinning(row: Row, cohort: _Cohort) -> Reason | None:  # noqa: ARG001
    """Ten attempts on a competency without three right answers in a row (Beck and Gong 2013)."""
    spinning = [
        p
        for p in row.practice
        if p.attempts >= WHEEL_ATTEMPTS and p.longest < WHEEL_STREAK and not p.mastered
    ]
    if not spinning:
        return None
    worst = max(spinning, key=lambda p: (p.attempts, p.statements))
    return Reason(
        "wheel_spinning", float(worst.attempts), float(WHEEL_ATTEMPTS), None, worst.statements
    )


_RULES: tuple[Callable[[Row, _Cohort], Reason | None], ...] = (
    _never_started,
    _inactive,
    _missed_deadline,
    _low_score,
    _behind_pace,
    _wheel_spinning,
    _late_work,
)


def _begin(row: Row, start: datetime) -> datetime | None:
    """Returns since when the learner could work on the course."""
    known = [moment for moment in (row.registered_at, row.first_active) if moment]
    return max(min(known), start) if known else None


def _missed(row: Row, at: datetime, start: datetime) -> list[Task]:
    """Returns what was due since the learner began, and was never handed in."""
    begin = _begin(row, start)
    return [
        task
        for task in row.tasks
        if task.submitted_at is None and task.due and begin and begin < task.due < at
    ]


def _mean_score(row: Row) -> float | None:
    scores = [task.score for task in row.tasks if task.score is not None]
    return statistics.fmean(scores) if len(scores) >= ENOUGH_SCORES else None


def _days(at: datetime, since: datetime) -> float:
    return (at - since) / timedelta(days=1)


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


def _percentile(values: Sequence[float], share: float) -> float:
    """Returns the value that at least `share` of the values do not exceed; 0 of nothing."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))] if ranked else 0.0


def _some(statement: UUID | None) -> tuple[UUID, ...]:
    return (statement,) if statement else ()
