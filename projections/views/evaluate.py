"""Judges the courses that changed: reads what is known of their learners, writes their flags.

One process at a time does it; the judgement itself is `projections.struggling`.
"""

from collections import Counter, defaultdict
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.types.json import Jsonb

from projections.progress import Items, satisfied
from projections.struggling import Flag, Practice, Row, Task, evaluate
from projections.views import outlines
from projections.views.purge import VIEWS_LOCK

EVALUATE_LOCK = 7004

Course = tuple[UUID, UUID]
"""Institution and course."""


def evaluate_changed(connection: Connection[Any], now: datetime) -> int:
    """Evaluates every course with news, each in a transaction; returns how many there were.

    Nothing while another process is at it.
    """
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", [EVALUATE_LOCK]).fetchone()
    if row is None or not row[0]:
        return 0
    try:
        changed = _changed(connection)
        for institution, course, position in changed:
            evaluate_course(connection, (institution, course), position, now)
        return len(changed)
    finally:
        connection.execute("SELECT pg_advisory_unlock(%s)", [EVALUATE_LOCK])


def evaluate_course(
    connection: Connection[Any], course: Course, position: int, now: datetime
) -> list[Flag]:
    """Writes and returns the flags of a course as of its newest activity, at most `now`."""
    with connection.transaction():
        # A learner who is purged meanwhile must not come back as a flag.
        connection.execute("SELECT pg_advisory_xact_lock_shared(%s)", [VIEWS_LOCK])
        rows = _rows(connection, course)
        at = min(max((r.last_active for r in rows if r.last_active), default=now), now)
        flags = evaluate(rows, at)
        connection.execute(
            "DELETE FROM views.flags"
            " WHERE institution = %s AND course = %s AND NOT learner = ANY(%s)",
            [*course, [flag.learner for flag in flags]],
        )
        for flag in sorted(flags, key=lambda flag: flag.learner):
            connection.execute(
                "INSERT INTO views.flags (institution, course, learner, weight, reasons)"
                " VALUES (%s, %s, %s, %s, %s)"
                " ON CONFLICT (institution, course, learner) DO UPDATE"
                " SET weight = excluded.weight, reasons = excluded.reasons",
                [*course, flag.learner, flag.weight, Jsonb(_reasons(flag))],
            )
        connection.execute(
            # A course of an institution that was purged meanwhile must not come back either.
            "INSERT INTO views.evaluations (institution, course, last_position, at)"
            " SELECT institution, course, %s, %s FROM views.enrolments"
            " WHERE institution = %s AND course = %s LIMIT 1"
            " ON CONFLICT (institution, course) DO UPDATE"
            " SET last_position = excluded.last_position, at = excluded.at",
            [position, at, *course],
        )
    return flags


def _changed(connection: Connection[Any]) -> list[tuple[UUID, UUID, int]]:
    return connection.execute(
        "SELECT institution, course, max(e.last_position) FROM views.enrolments e"
        " GROUP BY institution, course"
        " HAVING max(e.last_position) > coalesce("
        "  (SELECT v.last_position FROM views.evaluations v"
        "   WHERE v.institution = e.institution AND v.course = e.course), 0)"
        " ORDER BY institution, course"
    ).fetchall()


def _rows(connection: Connection[Any], course: Course) -> list[Row]:
    """Returns what is known of the learners of a course who have not withdrawn."""
    items = outlines.load(connection, *course)
    deadlines = {activity: item.due for activity, item in items.known.items() if item.due}
    tasks, done = _work(connection, course, items)
    practice = _practice(connection, course)
    completed = {
        learner
        for (learner,) in connection.execute(
            "SELECT learner FROM views.completions WHERE institution = %s AND course = %s", course
        )
    }
    rows = connection.execute(
        "SELECT learner, registered_at, registered_by, first_active, last_active, last_statement"
        " FROM views.enrolments WHERE institution = %s AND course = %s"
        " AND (withdrawn_at IS NULL OR withdrawn_at < registered_at) ORDER BY learner",
        course,
    )
    return [
        Row(
            learner=learner,
            registered_at=registered_at,
            registered_by=registered_by,
            first_active=first_active,
            last_active=last_active,
            last_statement=last_statement,
            done=done[learner],
            completed=learner in completed,
            tasks=_with_deadlines(tasks.get(learner, {}), deadlines),
            practice=tuple(practice.get(learner, ())),
        )
        for learner, registered_at, registered_by, first_active, last_active, last_statement in rows
    ]


def _work(
    connection: Connection[Any], course: Course, items: Items
) -> tuple[dict[UUID, dict[UUID, Task]], Counter[UUID]]:
    """Returns what each learner handed in, by activity, and how many items each satisfied."""
    tasks: dict[UUID, dict[UUID, Task]] = defaultdict(dict)
    done: Counter[UUID] = Counter()
    for learner, activity, best, submitted_at, statement, passed, completed in connection.execute(
        "SELECT learner, activity, best, submitted_at, coalesce(best_statement, submitted_by),"
        "  passed_position IS NOT NULL, coalesce(completed, false)"
        " FROM views.work WHERE institution = %s AND course = %s AND submitted_at IS NOT NULL"
        " ORDER BY learner, activity",
        course,
    ):
        tasks[learner][activity] = Task(None, best, submitted_at, statement)
        item = items.get(activity)
        if item and satisfied(item.move_on, passed=passed, completed=completed):
            done[learner] += 1
    return tasks, done


def _with_deadlines(tasks: dict[UUID, Task], deadlines: dict[UUID, datetime]) -> tuple[Task, ...]:
    given = [
        Task(deadlines.get(activity), task.score, task.submitted_at, task.statement)
        for activity, task in tasks.items()
    ]
    return (*given, *(Task(due) for activity, due in deadlines.items() if activity not in tasks))


def _practice(connection: Connection[Any], course: Course) -> dict[UUID, list[Practice]]:
    practice: dict[UUID, list[Practice]] = defaultdict(list)
    for learner, n, longest, mastered, recent in connection.execute(
        "SELECT learner, n, longest, mastered, recent FROM views.mastery"
        " WHERE institution = %s AND course = %s ORDER BY learner, competency",
        course,
    ):
        practice[learner].append(Practice(n, longest, mastered, tuple(recent)))
    return practice


def _reasons(flag: Flag) -> list[dict[str, Any]]:
    return [
        {
            "code": reason.code,
            "value": round(reason.value, 3),
            "threshold": round(reason.threshold, 3),
            "cohort": None if reason.cohort is None else round(reason.cohort, 3),
            "evidence": [str(statement) for statement in reason.evidence],
        }
        for reason in flag.reasons
    ]
