"""Reads: learners of a course, or one learner in all courses: progress, mastery, flag."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection

from projections.mastery import ENOUGH
from projections.progress import Basis, Done, progress
from projections.views import outlines
from projections.views.courses import FIRST


@dataclass(frozen=True, slots=True)
class Competency:
    """A learner in a competency; `p` is None while the evidence does not suffice."""

    competency: UUID
    p: float | None
    mastered: bool | None
    n: int


@dataclass(frozen=True, slots=True)
class Learner:
    """A learner in a course."""

    course: UUID
    learner: UUID
    progress: float | None
    basis: Basis
    mastery: tuple[Competency, ...]
    last_active: datetime | None
    registered_at: datetime | None
    withdrawn: bool
    completed: bool
    statements: int
    active_days: int
    minutes: float
    flag: list[dict[str, Any]] | None
    weight: float


ENROLMENTS = """
    SELECT e.course, e.learner, e.last_active, e.registered_at,
           coalesce(e.withdrawn_at >= e.registered_at, e.withdrawn_at IS NOT NULL),
           e.statements, e.milliseconds,
           (SELECT count(*) FROM views.daily_facts d WHERE d.institution = e.institution
               AND d.course = e.course AND d.learner = e.learner),
           f.reasons, coalesce(f.weight, 0)
    FROM views.enrolments e LEFT JOIN views.flags f USING (institution, course, learner)
    WHERE e.institution = %s AND
"""
WORK = """
    SELECT learner, activity, passed_position IS NOT NULL, coalesce(completed, false),
           progress, length, segments
    FROM views.work WHERE institution = %s AND course = %s AND learner = ANY(%s)
"""


def of_course(
    connection: Connection[Any], institution: UUID, course: UUID, after: UUID | None, limit: int
) -> list[Learner]:
    """Returns up to `limit` learners of a course after `after`, in order of pseudonym."""
    rows = connection.execute(
        (ENROLMENTS + "e.course = %s AND e.learner > %s ORDER BY e.learner LIMIT %s").encode(),
        [institution, course, after or FIRST, limit],
    ).fetchall()
    return _complete(connection, institution, course, rows)


def struggling(
    connection: Connection[Any],
    institution: UUID,
    course: UUID,
    after: tuple[float, UUID] | None,
    limit: int,
) -> list[Learner]:
    """Returns flagged learners of a course, the weightiest first; `after` is (weight, learner)."""
    weight, learner = after or (float("inf"), FIRST)
    rows = connection.execute(
        (
            ENROLMENTS + "e.course = %s AND f.learner IS NOT NULL"
            " AND (f.weight < %s OR (f.weight = %s AND e.learner > %s))"
            " ORDER BY f.weight DESC, e.learner LIMIT %s"
        ).encode(),
        [institution, course, weight, weight, learner, limit],
    ).fetchall()
    return _complete(connection, institution, course, rows)


def of_learner(connection: Connection[Any], institution: UUID, learner: UUID) -> list[Learner]:
    """Returns a learner in each of their courses, in order of course."""
    rows = connection.execute(
        (ENROLMENTS + "e.learner = %s ORDER BY e.course").encode(), [institution, learner]
    ).fetchall()
    # One course at a time: the planner then reads one course's items.
    return [item for row in rows for item in _complete(connection, institution, row[0], [row])]


def _complete(
    connection: Connection[Any], institution: UUID, course: UUID, rows: Sequence[tuple[Any, ...]]
) -> list[Learner]:
    if not rows:
        return []
    of_page = [institution, course, [row[1] for row in rows]]
    work = _work(connection, of_page)
    completed = _completed(connection, of_page)
    mastery = _mastery(connection, of_page)
    items = outlines.load(connection, institution, course)
    return [
        Learner(
            course=course,
            learner=learner,
            progress=progress(work[learner], items, learner in completed),
            basis=items.basis,
            mastery=tuple(mastery[learner]),
            last_active=last_active,
            registered_at=registered_at,
            withdrawn=withdrawn,
            completed=learner in completed,
            statements=statements,
            active_days=days,
            minutes=milliseconds / 60_000,
            flag=reasons,
            weight=weight,
        )
        for (
            _,
            learner,
            last_active,
            registered_at,
            withdrawn,
            statements,
            milliseconds,
            days,
            reasons,
            weight,
        ) in rows
    ]


def _work(connection: Connection[Any], of_page: list[Any]) -> dict[UUID, list[Done]]:
    work: dict[UUID, list[Done]] = defaultdict(list)
    for learner, activity, passed, completed, reported, length, segments in connection.execute(
        WORK, of_page
    ):
        done = Done(activity, passed, completed, reported, length, tuple(segments or ()))
        work[learner].append(done)
    return work


def _completed(connection: Connection[Any], of_page: list[Any]) -> set[UUID]:
    rows = connection.execute(
        "SELECT learner FROM views.completions"
        " WHERE institution = %s AND course = %s AND learner = ANY(%s)",
        of_page,
    )
    return {learner for (learner,) in rows}


def _mastery(connection: Connection[Any], of_page: list[Any]) -> dict[UUID, list[Competency]]:
    mastery: dict[UUID, list[Competency]] = defaultdict(list)
    for learner, competency, p, mastered, n in connection.execute(
        "SELECT learner, competency, p, mastered, n FROM views.mastery"
        " WHERE institution = %s AND course = %s AND learner = ANY(%s)"
        " ORDER BY learner, competency",
        of_page,
    ):
        known = n >= ENOUGH
        mastery[learner].append(
            Competency(competency, p if known else None, mastered if known else None, n)
        )
    return mastery
