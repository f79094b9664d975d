"""`/api/v1/learners`: one learner in all their courses. For instructors and officers."""

from uuid import UUID

from pydantic import Field

from api.authentication import credential
from api.authorisation import requires
from api.blueprints import noun
from api.paging import Strict
from api.v1.learning import LearnerWithCourses, competencies, describe, learner_with_courses
from api.v1.reflected import Fresh, as_of, reading
from domain.errors import NotFound
from domain.roles import Action
from projections.views.learners import of_learner

learners = noun("learners", __name__, "Learners, by pseudonym.")


class LearnerPath(Strict):
    """Names one learner."""

    pseudonym: UUID = Field(description="From a list of learners.")


@learners.get("/<uuid:pseudonym>", responses={200: LearnerWithCourses})
@requires(Action.READ_LEARNING)
def get_learner(path: LearnerPath, query: Fresh) -> LearnerWithCourses:
    """One learner: progress, mastery, last activity and flag, over all courses and in each."""
    reflected = as_of(query.wait_for)
    with reading() as connection:
        enrolments = of_learner(connection, credential().institution, path.pseudonym)
    if not enrolments:
        raise NotFound("there is no such learner")
    names = describe({item.course for item in enrolments} | competencies(enrolments))
    return learner_with_courses(path.pseudonym, enrolments, names, reflected)
