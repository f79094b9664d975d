"""What one statement says about learning, without saying who, where or in which words.

A fact holds pseudonyms, opaque ids, enums, numbers and times only, so it may leave the record
store: it is what travels on Kafka and what the folds see. How it is read from a statement is
`projections.mapping`; nothing here reads statements.
"""

from datetime import datetime
from enum import IntEnum
from typing import NamedTuple
from uuid import UUID


class Verb(IntEnum):
    """What kind of thing happened. The numbers are stored: never change or reuse one."""

    OTHER = 0
    REGISTERED = 1
    WITHDREW = 2
    ENGAGED = 3
    """Viewed, played, experienced: engagement, never progress or mastery by itself."""
    EVIDENCED = 4
    """Answered, scored, passed, failed: says how well."""
    COMPLETED = 5


class Fact(NamedTuple):
    """One statement of one learner in one course."""

    position: int
    """Position of the statement in the log."""
    institution: UUID
    learner: UUID
    """Pseudonym."""
    statement: UUID
    """Id of the statement: what evidence refers to."""
    course: UUID
    activity: UUID | None
    """None where the object is no activity."""
    verb: Verb
    at: datetime
    """The statement's timestamp, in UTC."""
    registration: UUID | None = None
    competencies: tuple[UUID, ...] = ()
    credit: float | None = None
    """How well, 0 to 1; None where the statement is no evidence."""
    score: float | None = None
    """Scaled score, 0 to 1."""
    passed: bool | None = None
    completion: bool | None = None
    """Explicit: completed, or taken back."""
    progress: float | None = None
    """As reported, 0 to 1."""
    seconds: float | None = None
    """Duration that the statement gives."""
    length: float | None = None
    """Length of a video, in seconds."""
    segments: tuple[float, ...] = ()
    """What was played: start, end, start, end, in seconds."""
    weight: float | None = None
    """Weight that the activity's definition announces."""
    due: datetime | None = None
    """Due date that the activity's definition announces."""

    @property
    def about_course(self) -> bool:
        """Whether the statement is about the course itself."""
        return self.activity == self.course

    @property
    def is_learning(self) -> bool:
        """Whether the learner did something; to be registered or withdrawn is not doing."""
        return self.verb not in (Verb.REGISTERED, Verb.WITHDREW)
