"""The evidence stream: folds answers into multi-Elo states, and keeps them as folded."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from psycopg import Connection

from domain.learning.facts import Fact
from projections import mastery
from projections.mastery import Ability, Evidence, Item, Mastery, Skill
from projections.views.tables import ABILITIES, EVIDENCE, ITEMS, MASTERY, SKILLS, Key, at


def fold(connection: Connection[Any], facts: Sequence[tuple[int, Fact]]) -> None:
    """Takes answers in, in the order given; all of a course come by one partition."""
    answers = [(fact, competency) for _, fact in facts for competency in fact.competencies]
    keys = [_keys(fact, competency) for fact, competency in answers]
    abilities = ABILITIES.load(connection, {key[0] for key in keys})
    learners = MASTERY.load(connection, {key[1] for key in keys})
    items = ITEMS.load(connection, {key[2] for key in keys})
    skills = SKILLS.load(connection, {key[3] for key in keys})
    folded: dict[Key, Evidence] = {}
    for (fact, competency), (ability, learner, item, skill) in zip(answers, keys, strict=True):
        evidence = mastery.fold(
            fact,
            at(abilities, ability, Ability),
            at(learners, learner, Mastery),
            at(items, item, Item),
            at(skills, skill, Skill),
        )
        if evidence is not None:
            folded[(fact.position, competency)] = evidence
    ABILITIES.save(connection, abilities)
    MASTERY.save(connection, learners)
    ITEMS.save(connection, items)
    SKILLS.save(connection, skills)
    EVIDENCE.save(connection, folded)


def void(connection: Connection[Any], institution: UUID, learner: UUID, target: int) -> None:
    """Takes the answer at `target` back: its learner is folded again without it.

    The others met the difficulties as they were, so these stay, and so do those that the learner's
    other answers had when they came.
    """
    gone = connection.execute(
        "DELETE FROM evidence WHERE position = %s AND institution = %s AND learner = %s"
        " RETURNING course",
        [target, institution, learner],
    ).fetchone()
    if gone is None:
        return
    of_learner = [institution, gone[0], learner]
    for table in (ABILITIES, MASTERY):
        connection.execute(
            f"DELETE FROM {table.name}"
            " WHERE institution = %s AND course = %s AND learner = %s".encode(),
            of_learner,
        )
    rows = connection.execute(
        f"SELECT position, competency, {', '.join(EVIDENCE.columns)} FROM evidence"
        " WHERE institution = %s AND course = %s AND learner = %s"
        " ORDER BY position, competency".encode(),
        of_learner,
    )
    ability = Ability()
    learners: dict[Key, Mastery] = {}
    for row in rows:
        key: Key = (*of_learner, row[1])
        mastery.learn(Evidence(*row[2:]), ability, at(learners, key, Mastery))
    if learners:
        ABILITIES.save(connection, {tuple(of_learner): ability})
        MASTERY.save(connection, learners)


def _keys(fact: Fact, competency: UUID) -> tuple[Key, Key, Key, Key]:
    course = (fact.institution, fact.course)
    learner = (*course, fact.learner)
    skill = (*course, competency)
    return learner, (*learner, competency), (*skill, fact.activity), skill
