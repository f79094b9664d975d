"""How learners of the views are shown: shared by `courses` and `learners`, no routes of its own."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from pydantic import Field

from api.authentication import credential
from api.paging import AsOf, Strict
from api.services import services
from lrs.activities import Described
from projections.progress import Basis
from projections.views.learners import Learner

Names = dict[UUID, Described]


class ReasonOut(Strict):
    """Why a learner is flagged."""

    code: str = Field(description="Stable code of the rule (docs/learning.md).")
    value: float = Field(description="What was found for the learner.")
    threshold: float = Field(description="The bound that it passed.")
    cohort: float | None = Field(description="The median of the course, where there is one.")
    evidence: list[UUID] = Field(description="Ids of statements that show it.")


class FlagOut(Strict):
    """A learner to look after."""

    reasons: list[ReasonOut]


class MasteryOut(Strict):
    """A learner in a competency."""

    competency: UUID
    iri: str | None
    name: str | None
    p: float | None = Field(
        description="Probability of a right answer; null: not enough evidence yet (under 3)."
    )
    mastered: bool | None = Field(description="From p >= 0.80 until p < 0.65; null: not known.")
    evidence: int = Field(description="Pieces of evidence.")


class LearnerOut(Strict):
    """A learner in a course."""

    pseudonym: UUID
    progress: float | None = Field(description="0 to 1; null: the course asks for nothing.")
    progress_basis: Basis = Field(
        description="`outline`: of the imported outline; `seen`: of what was seen of the course."
    )
    mastery: list[MasteryOut]
    last_active: datetime | None
    flag: FlagOut | None
    completed: bool
    withdrawn: bool
    statements: int
    active_days: int
    minutes: float = Field(description="Sum of the durations that statements gave.")


class CourseRef(Strict):
    """A course by its opaque id, with what is known of it."""

    id: UUID
    iri: str | None
    name: str | None


class CourseLearnerOut(LearnerOut):
    """A learner in one of their courses."""

    course: CourseRef


class LearnerWithCourses(Strict):
    """A learner in all their courses."""

    pseudonym: UUID
    progress: float | None = Field(description="Mean over courses.")
    mastery: list[MasteryOut]
    last_active: datetime | None
    flag: FlagOut | None = Field(description="Reasons of all courses.")
    courses: list[CourseLearnerOut]
    as_of: AsOf


def describe(ids: Iterable[UUID]) -> Names:
    """Returns what the caller's institution knows of these courses and competencies."""
    return services().activities.describe(credential().institution, set(ids))


def competencies(learners: Iterable[Learner]) -> set[UUID]:
    """Returns the competencies that these learners practise."""
    return {skill.competency for learner in learners for skill in learner.mastery}


def course_ref(course: UUID, names: Names) -> CourseRef:
    """Returns a course with its name; statements that name no course are under one without IRI."""
    found = names.get(course)
    return CourseRef(
        id=course,
        iri=found.iri if found else None,
        name=(found.name() or found.iri) if found else "Unassigned",
    )


def learner_out(learner: Learner, names: Names) -> LearnerOut:
    """Returns how a learner in a course is shown."""
    return LearnerOut(
        pseudonym=learner.learner,
        progress=_rounded(learner.progress),
        progress_basis=learner.basis,
        mastery=_mastery(learner, names),
        last_active=learner.last_active,
        flag=_flag([learner]),
        completed=learner.completed,
        withdrawn=learner.withdrawn,
        statements=learner.statements,
        active_days=learner.active_days,
        minutes=round(learner.minutes, 1),
    )


def learner_with_courses(
    pseudonym: UUID, enrolments: list[Learner], names: Names, as_of: AsOf
) -> LearnerWithCourses:
    """Returns how a learner in all their courses is shown."""
    known = [item.progress for item in enrolments if item.progress is not None]
    return LearnerWithCourses(
        pseudonym=pseudonym,
        progress=_rounded(sum(known) / len(known)) if known else None,
        mastery=[skill for item in enrolments for skill in _mastery(item, names)],
        last_active=max((i.last_active for i in enrolments if i.last_active), default=None),
        flag=_flag(enrolments),
        courses=[
            CourseLearnerOut(
                **learner_out(item, names).model_dump(), course=course_ref(item.course, names)
            )
            for item in enrolments
        ],
        as_of=as_of,
    )


def _mastery(learner: Learner, names: Names) -> list[MasteryOut]:
    return [
        MasteryOut(
            competency=skill.competency,
            iri=found.iri if (found := names.get(skill.competency)) else None,
            name=found.name() if found else None,
            p=_rounded(skill.p),
            mastered=skill.mastered,
            evidence=skill.n,
        )
        for skill in learner.mastery
    ]


def _flag(enrolments: list[Learner]) -> FlagOut | None:
    reasons = [
        ReasonOut.model_validate(reason) for item in enrolments for reason in item.flag or ()
    ]
    return FlagOut(reasons=reasons) if reasons else None


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)
