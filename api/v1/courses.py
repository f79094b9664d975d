"""`/api/v1/courses`: courses, their learners, and who struggles. For instructors and officers."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from api.authentication import credential
from api.authorisation import requires
from api.blueprints import noun
from api.paging import AsOf, Page, Strict, cut, page
from api.v1.learning import (
    CourseRef,
    LearnerOut,
    Names,
    competencies,
    course_ref,
    describe,
    learner_out,
)
from api.v1.reflected import Fresh, FreshPageQuery, as_of, reading
from domain.errors import NotFound
from domain.roles import Action
from projections.views import courses as views
from projections.views import learners as learners_view
from projections.views.courses import Course
from projections.views.learners import Learner

courses = noun("courses", __name__, "Courses, how far their learners are, and who struggles.")


class CourseOut(CourseRef):
    """A course in numbers."""

    learners: int = Field(description="Learners with any statement in it, withdrawn ones too.")
    completed: int = Field(description="Of these, who completed it.")
    withdrawn: int = Field(description="Of these, who withdrew.")
    struggling: int = Field(description="Of these, who are flagged.")
    last_active: datetime | None


class CourseAsOf(CourseOut):
    """A course, and what the answer reflects."""

    as_of: AsOf


class CoursePath(Strict):
    """Names one course."""

    id: UUID = Field(description="Opaque id, from the list of courses.")


@courses.get("", responses={200: Page[CourseOut]})
@requires(Action.READ_LEARNING)
def list_courses(query: FreshPageQuery) -> dict[str, Any]:
    """Courses of the caller's institution, in order of id."""
    reflected = as_of(query.wait_for)
    after = query.after()
    with reading() as connection:
        found = views.courses(
            connection,
            credential().institution,
            UUID(after) if after else None,
            query.limit + 1,
        )
    shown, last = cut(found, query.limit, lambda course: str(course.course))
    names = describe(course.course for course in shown)
    items = [_shown(course, names).model_dump(mode="json") for course in shown]
    return page(items, last, reflected)


@courses.get("/<uuid:id>", responses={200: CourseAsOf})
@requires(Action.READ_LEARNING)
def get_course(path: CoursePath, query: Fresh) -> CourseAsOf:
    """One course."""
    reflected = as_of(query.wait_for)
    found = _course(path.id)
    shown = _shown(found, describe([found.course]))
    return CourseAsOf(**shown.model_dump(), as_of=reflected)


@courses.get("/<uuid:id>/learners", responses={200: Page[LearnerOut]})
@requires(Action.READ_LEARNING)
def list_learners(path: CoursePath, query: FreshPageQuery) -> dict[str, Any]:
    """Learners of a course in order of pseudonym: progress, mastery, last activity, flag."""
    reflected = as_of(query.wait_for)
    course = _course(path.id)
    after = query.after()
    with reading() as connection:
        found = learners_view.of_course(
            connection,
            credential().institution,
            course.course,
            UUID(after) if after else None,
            query.limit + 1,
        )
    shown, last = cut(found, query.limit, lambda one: str(one.learner))
    return page(_learners(shown), last, reflected)


@courses.get("/<uuid:id>/struggling", responses={200: Page[LearnerOut]})
@requires(Action.READ_LEARNING)
def list_struggling(path: CoursePath, query: FreshPageQuery) -> dict[str, Any]:
    """Flagged learners of a course with their reasons, the weightiest first."""
    reflected = as_of(query.wait_for)
    course = _course(path.id)
    after = query.after()
    with reading() as connection:
        found = learners_view.struggling(
            connection,
            credential().institution,
            course.course,
            (after[0], UUID(after[1])) if after else None,
            query.limit + 1,
        )
    shown, last = cut(found, query.limit, lambda one: [one.weight, str(one.learner)])
    return page(_learners(shown), last, reflected)


def _course(course: UUID) -> Course:
    with reading() as connection:
        found = views.course(connection, credential().institution, course)
    if found is None:
        raise NotFound("there is no such course")
    return found


def _shown(course: Course, names: Names) -> CourseOut:
    return CourseOut(
        **course_ref(course.course, names).model_dump(),
        learners=course.learners,
        completed=course.completed,
        withdrawn=course.withdrawn,
        struggling=course.struggling,
        last_active=course.last_active,
    )


def _learners(learners: list[Learner]) -> list[dict[str, Any]]:
    names = describe(competencies(learners))
    return [learner_out(learner, names).model_dump(mode="json") for learner in learners]
