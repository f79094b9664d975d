"""The items of a course: its imported outline, else what its statements announced and showed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection

from projections.progress import Basis, Item, Items, MoveOn
from projections.views.purge import VIEWS_LOCK

OUTLINE = """
    SELECT activity, weight, required, due, move_on FROM views.outline_items
    WHERE institution = %s AND course = %s ORDER BY ordinal
"""
# One row for each partition whose learners met the activity: the newest announcement counts.
ANNOUNCED = """
    SELECT DISTINCT ON (activity) activity, coalesce(weight, 1), due FROM views.activities
    WHERE institution = %s AND course = %s AND announced_position IS NOT NULL AND completable
    ORDER BY activity, announced_position DESC
"""
SEEN = """
    SELECT count(DISTINCT activity) FROM views.activities
    WHERE institution = %s AND course = %s AND completable
"""


def load(connection: Connection[Any], institution: UUID, course: UUID) -> Items:
    """Returns what there is to do in a course."""
    of_course = [institution, course]
    outlined = connection.execute(
        "SELECT version FROM views.outlines WHERE institution = %s AND course = %s", of_course
    ).fetchone()
    if outlined:
        known = {
            activity: Item(weight, required, due, MoveOn(move_on))
            for activity, weight, required, due, move_on in connection.execute(OUTLINE, of_course)
            if move_on != MoveOn.NOT_APPLICABLE
        }
        return Items(Basis.OUTLINE, sum(item.weight for item in known.values()), known)
    known = {
        activity: Item(weight, due=due)
        for activity, weight, due in connection.execute(ANNOUNCED, of_course)
    }
    row = connection.execute(SEEN, of_course).fetchone()
    seen = row[0] if row else 0
    total = seen + sum(item.weight - 1 for item in known.values())
    return Items(Basis.SEEN, total, known)


def write(
    connection: Connection[Any],
    institution: UUID,
    course: UUID,
    items: Sequence[tuple[UUID, Item]],
    at: datetime,
) -> int:
    """Replaces the outline of a course; returns its version. Progress follows at once."""
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock_shared(%s)", [VIEWS_LOCK])
        row = connection.execute(
            "INSERT INTO views.outlines (institution, course, version, imported_at)"
            " VALUES (%s, %s, 1, %s) ON CONFLICT (institution, course) DO UPDATE"
            " SET version = outlines.version + 1, imported_at = excluded.imported_at"
            " RETURNING version",
            [institution, course, at],
        ).fetchone()
        connection.execute(
            "DELETE FROM views.outline_items WHERE institution = %s AND course = %s",
            [institution, course],
        )
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO views.outline_items"
                " (institution, course, activity, ordinal, weight, required, due, move_on)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
                [
                    (institution, course, activity, n, i.weight, i.required, i.due, i.move_on)
                    for n, (activity, i) in enumerate(items, 1)
                ],
            )
        connection.execute(
            "DELETE FROM views.evaluations WHERE institution = %s AND course = %s",
            [institution, course],
        )
    assert row is not None
    return int(row[0])
