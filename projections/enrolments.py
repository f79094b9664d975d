"""Fold: one learner in one course, and on which days. Order-free: maxima, minima and counts.

What was done with each activity is `projections.work`; who struggles is `projections.struggling`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from domain.learning.facts import Fact, Verb

Tie = TypeVar("Tie", int, UUID)


@dataclass(slots=True)
class Enrolment:
    """State of a learner in a course; the columns of the table `enrolments`, in order."""

    registered_at: datetime | None = None
    registered_by: UUID | None = None
    withdrawn_at: datetime | None = None
    first_active: datetime | None = None
    last_active: datetime | None = None
    last_statement: UUID | None = None
    first_position: int = 0
    last_position: int = 0
    statements: int = 0
    evidence: int = 0
    milliseconds: int = 0
    completed: bool | None = None
    completed_at: datetime | None = None
    completed_position: int | None = None

    def fold(self, fact: Fact) -> None:
        """Takes one fact in."""
        self.first_position = min(self.first_position or fact.position, fact.position)
        self.last_position = max(self.last_position, fact.position)
        self.statements += 1
        self.evidence += fact.credit is not None
        if fact.seconds is not None:
            self.milliseconds += round(fact.seconds * 1000)
        if fact.is_learning:
            self._active(fact)
        elif fact.verb is Verb.REGISTERED:
            if is_later(fact.at, fact.statement, self.registered_at, self.registered_by):
                self.registered_at, self.registered_by = fact.at, fact.statement
        elif self.withdrawn_at is None or fact.at > self.withdrawn_at:
            self.withdrawn_at = fact.at
        if (
            fact.about_course
            and fact.completion is not None
            and is_later(fact.at, fact.position, self.completed_at, self.completed_position)
        ):
            self.completed = fact.completion
            self.completed_at, self.completed_position = fact.at, fact.position

    def _active(self, fact: Fact) -> None:
        if self.first_active is None or fact.at < self.first_active:
            self.first_active = fact.at
        if is_later(fact.at, fact.statement, self.last_active, self.last_statement):
            self.last_active, self.last_statement = fact.at, fact.statement


@dataclass(slots=True)
class Day:
    """A learner's day in a course; the columns of the table `daily_facts`, in order."""

    first_position: int = 0
    statements: int = 0

    def fold(self, fact: Fact) -> None:
        """Takes one fact of this day in."""
        self.first_position = min(self.first_position or fact.position, fact.position)
        self.statements += 1


def is_later(at: datetime, tie: Tie, than: datetime | None, than_tie: Tie | None) -> bool:
    """Whether (at, tie) comes after what is known; the tie keeps the fold free of order."""
    return than is None or than_tie is None or (at, tie) > (than, than_tie)
