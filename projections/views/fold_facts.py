"""The facts stream: folds facts into enrolments, days, work and activities, and keeps them."""

from collections.abc import Iterable, Sequence
from datetime import UTC
from typing import Any
from uuid import UUID

import orjson
from psycopg import Connection

from domain.learning.facts import Fact
from projections.enrolments import Day, Enrolment
from projections.messages import pack, unpack
from projections.views.tables import ACTIVITIES, DAYS, ENROLMENTS, WORK, Key, at
from projections.work import Activity, Work

REFOLD = 1000
"""Facts of a learner that are folded at a time."""


def fold(connection: Connection[Any], facts: Sequence[tuple[int, Fact]]) -> None:
    """Takes facts in, each with its partition, in the order given."""
    _keep(connection, [fact for _, fact in facts])
    _fold(connection, [fact for _, fact in facts])
    _fold_activities(connection, facts)


def void(connection: Connection[Any], institution: UUID, learner: UUID, target: int) -> None:
    """Takes the fact at `target` back: everything of its learner is folded again without it.

    What a course's statements said of its activities stays said.
    """
    gone = connection.execute(
        "DELETE FROM facts WHERE position = %s AND institution = %s AND learner = %s"
        " RETURNING fact",
        [target, institution, learner],
    ).fetchone()
    if gone is None:
        return
    course = UUID(orjson.loads(gone[0])["course"])
    for table in (ENROLMENTS, WORK, DAYS):
        connection.execute(
            f"DELETE FROM {table.name} WHERE institution = %s AND learner = %s".encode(),
            [institution, learner],
        )
    after = 0
    while kept := _read(connection, institution, learner, after):
        _fold(connection, kept)
        after = kept[-1].position
    # Whoever is flagged in the course may be flagged no more.
    connection.execute(
        "DELETE FROM evaluations WHERE institution = %s AND course = %s", [institution, course]
    )


def _keep(connection: Connection[Any], facts: Iterable[Fact]) -> None:
    rows = [
        (fact.position, fact.institution, fact.learner, orjson.dumps(pack(fact))) for fact in facts
    ]
    connection.execute(
        "INSERT INTO facts (position, institution, learner, fact)"
        " SELECT * FROM unnest(%b::bigint[], %b::uuid[], %b::uuid[], %b::bytea[])",
        [list(column) for column in zip(*rows, strict=True)],
    )


def _read(connection: Connection[Any], institution: UUID, learner: UUID, after: int) -> list[Fact]:
    rows = connection.execute(
        "SELECT position, fact FROM facts WHERE institution = %s AND learner = %s"
        " AND position > %s ORDER BY position LIMIT %s",
        [institution, learner, after, REFOLD],
    )
    return [
        unpack(orjson.loads(packed), position=position, institution=institution, learner=learner)
        for position, packed in rows
    ]


def _fold(connection: Connection[Any], facts: Sequence[Fact]) -> None:
    enrolment_keys: list[Key] = [(f.institution, f.course, f.learner) for f in facts]
    day_keys: list[Key | None] = [
        (*k, f.at.date()) if f.is_learning else None
        for k, f in zip(enrolment_keys, facts, strict=True)
    ]
    work_keys: list[Key | None] = [
        (*k, f.activity) if f.activity is not None and not f.about_course else None
        for k, f in zip(enrolment_keys, facts, strict=True)
    ]
    enrolments = ENROLMENTS.load(connection, set(enrolment_keys))
    days = DAYS.load(connection, {key for key in day_keys if key})
    work = WORK.load(connection, {key for key in work_keys if key})
    for fact, enrolled, day, done in zip(facts, enrolment_keys, day_keys, work_keys, strict=True):
        assert fact.at.tzinfo is UTC
        at(enrolments, enrolled, Enrolment).fold(fact)
        if day is not None:
            at(days, day, Day).fold(fact)
        if done is not None:
            at(work, done, Work).fold(fact)
    ENROLMENTS.save(connection, enrolments)
    DAYS.save(connection, days)
    WORK.save(connection, work)


def _fold_activities(connection: Connection[Any], facts: Sequence[tuple[int, Fact]]) -> None:
    telling = [
        ((partition, fact.institution, fact.course, fact.activity), fact)
        for partition, fact in facts
        if fact.activity is not None and not fact.about_course
    ]
    states = ACTIVITIES.load(connection, {key for key, _ in telling})
    known = set(states)
    changed = {
        key for key, fact in telling if at(states, key, Activity).fold(fact) or key not in known
    }
    ACTIVITIES.save(connection, {key: states[key] for key in changed})
