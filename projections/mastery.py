"""Fold: multi-Elo, how likely a learner answers right, in general, by competency and by item.

p = sigmoid(B + theta + theta_skill - d_item - d_skill); after each answer every term moves by
K(n) (y - p), K(n) = a / (1 + c n): Pelanek 2016, "Applications of the Elo rating system in adaptive
educational systems", with the step sizes of `docs/learning.md`. Not order-free: answers are folded
in log order within a course, so that all its learners teach the difficulty of its items.
"""

import math
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from domain.learning.facts import Fact
from projections.work import ONE_SUBMISSION

B = 0.7
"""Logit of a right answer when nothing is known: about two in three."""

MASTERED = 0.80
LOST = 0.65
ENOUGH = 3
"""Pieces of evidence from which anything is claimed."""


@dataclass(frozen=True, slots=True)
class Step:
    """How far a term moves at its n-th answer: a / (1 + c n)."""

    a: float
    c: float

    def size(self, n: int) -> float:
        """Returns K(n)."""
        return self.a / (1 + self.c * n)


LEARNER = Step(0.63, 0.045)
LEARNER_SKILL = Step(0.24, 0.002)
ITEM = Step(0.82, 0.20)
SKILL = Step(0.46, 0.17)


@dataclass(slots=True)
class Ability:
    """A learner in general; columns of `abilities`, in order."""

    theta: float = 0.0
    n: int = 0


@dataclass(slots=True)
class Item:
    """An item of a competency; columns of `items`, in order."""

    d: float = 0.0
    n: int = 0


@dataclass(slots=True)
class Skill:
    """A competency; columns of `skills`, in order."""

    d: float = 0.0
    n: int = 0
    items: int = 0
    total: float = 0.0


@dataclass(slots=True)
class Mastery:
    """A learner in a competency; columns of `mastery`, in order."""

    theta: float = 0.0
    n: int = 0
    p: float = 0.0
    mastered: bool = False
    streak: int = 0
    longest: int = 0
    recent: list[UUID] = field(default_factory=list)
    last_activity: UUID | None = None
    last_at: datetime | None = None


@dataclass(slots=True)
class Evidence:
    """One answer as it was folded; columns of `evidence` after its keys, in order."""

    institution: UUID
    course: UUID
    learner: UUID
    activity: UUID
    statement: UUID
    at: datetime
    credit: float
    difficulty: float
    mean_difficulty: float


def is_repeated(mastery: Mastery, activity: UUID, at: datetime) -> bool:
    """Whether this is another statement of the submission that was folded last."""
    return (
        mastery.last_activity == activity
        and mastery.last_at is not None
        and abs(at - mastery.last_at) <= ONE_SUBMISSION
    )


def fold(
    fact: Fact, ability: Ability, mastery: Mastery, item: Item, skill: Skill
) -> Evidence | None:
    """Takes one answer in, for one of its competencies; returns it as folded.

    None where it is no news: not evidence, or another statement of the last submission.
    """
    if fact.credit is None or fact.activity is None:
        return None
    if is_repeated(mastery, fact.activity, fact.at):
        return None
    difficulty = item.d + skill.d
    surprise = fact.credit - sigmoid(B + ability.theta + mastery.theta - difficulty)
    if item.n == 0:
        skill.items += 1
    change = ITEM.size(item.n) * surprise
    item.d -= change
    item.n += 1
    skill.total -= change
    skill.d -= SKILL.size(skill.n) * surprise
    skill.n += 1
    evidence = Evidence(
        institution=fact.institution,
        course=fact.course,
        learner=fact.learner,
        activity=fact.activity,
        statement=fact.statement,
        at=fact.at,
        credit=fact.credit,
        difficulty=difficulty,
        mean_difficulty=skill.d + skill.total / skill.items,
    )
    learn(evidence, ability, mastery)
    return evidence


def learn(evidence: Evidence, ability: Ability, mastery: Mastery) -> None:
    """Moves the learner's terms by an answer at the difficulty that it had when it came."""
    surprise = evidence.credit - sigmoid(B + ability.theta + mastery.theta - evidence.difficulty)
    ability.theta += LEARNER.size(ability.n) * surprise
    ability.n += 1
    mastery.theta += LEARNER_SKILL.size(mastery.n) * surprise
    mastery.n += 1
    mastery.p = sigmoid(B + ability.theta + mastery.theta - evidence.mean_difficulty)
    if mastery.n >= ENOUGH and mastery.p >= MASTERED:
        mastery.mastered = True
    elif mastery.p < LOST:
        mastery.mastered = False
    mastery.streak = mastery.streak + 1 if evidence.credit >= 1 else 0
    mastery.longest = max(mastery.longest, mastery.streak)
    mastery.recent = [*mastery.recent, evidence.statement][-3:]
    mastery.last_activity, mastery.last_at = evidence.activity, evidence.at


def sigmoid(x: float) -> float:
    """Returns 1 / (1 + exp(-x)), for any x."""
    if x >= 0:
        return 1 / (1 + math.exp(-x))
    return math.exp(x) / (1 + math.exp(x))
