"""Reads: the courses of an institution, in numbers. Their names are the record store's to open."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row


@dataclass(frozen=True, slots=True)
class Course:
    """A course in numbers."""

    course: UUID
    learners: int
    withdrawn: int
    completed: int
    struggling: int
    last_active: datetime | None


COURSES = """
    WITH page AS (
        SELECT course, count(*) AS learners,
               count(*) FILTER (WHERE withdrawn_at >= registered_at
                                   OR (withdrawn_at IS NOT NULL AND registered_at IS NULL))
                   AS withdrawn,
               max(last_active) AS last_active
        FROM views.enrolments
        WHERE institution = %(institution)s AND course > %(after)s
          AND (%(course)s::uuid IS NULL OR course = %(course)s)
        GROUP BY course ORDER BY course LIMIT %(limit)s
    )
    SELECT course, learners, withdrawn,
           (SELECT count(*) FROM views.completions c
            WHERE c.institution = %(institution)s AND c.course = page.course) AS completed,
           (SELECT count(*) FROM views.flags f
            WHERE f.institution = %(institution)s AND f.course = page.course) AS struggling,
           last_active
    FROM page ORDER BY course
"""
FIRST = UUID(int=0)


def courses(
    connection: Connection[Any], institution: UUID, after: UUID | None, limit: int
) -> list[Course]:
    """Returns up to `limit` courses after `after`, in order of id."""
    return _courses(connection, institution, after, None, limit)


def course(connection: Connection[Any], institution: UUID, course: UUID) -> Course | None:
    """Returns one course, or None where nobody did anything in it."""
    found = _courses(connection, institution, None, course, 1)
    return found[0] if found else None


def _courses(
    connection: Connection[Any],
    institution: UUID,
    after: UUID | None,
    course: UUID | None,
    limit: int,
) -> list[Course]:
    with connection.cursor(row_factory=class_row(Course)) as cursor:
        return cursor.execute(
            COURSES,
            {
                "institution": institution,
                "course": course,
                "after": after or FIRST,
                "limit": limit,
            },
        ).fetchall()
