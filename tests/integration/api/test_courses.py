"""Courses and learners over HTTP: what an instructor sees, and who sees nothing."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from api.services import Services
from domain.roles import Role
from projections.views.evaluate import evaluate_changed
from stream_processors.rebuild import rebuild
from tests.integration.api.conftest import Caller
from tests.integration.stream_processors.conftest import answer

COURSE = "https://example.org/course"


@pytest.fixture(scope="module")
def position(services: Services, callers: dict[Role, Caller]) -> int:
    """Position of a class of 17 learners and one who left long ago, all in the views."""
    statements = [answer(n) for n in range(170)]
    # Everybody else comes back after more than two months.
    statements += [answer(n, f"learner{n % 17}") for n in range(100_000, 100_020)]
    statements.append(answer(500, "idle"))
    assert callers[Role.TOOL]("POST", "/xapi/statements", json=statements).status_code == 200
    return rebuild(services.lrs, lambda *_: None)


@pytest.fixture
def instructor(callers: dict[Role, Caller]) -> Caller:
    """An instructor."""
    return callers[Role.INSTRUCTOR]


def got(caller: Caller, path: str) -> Any:
    answered = caller("GET", path)
    assert answered.status_code == 200, answered.text
    return answered.json


def only_course(instructor: Caller) -> Any:
    (course,) = got(instructor, "/api/v1/courses")["items"]
    return course


def test_a_course_with_its_name_and_numbers(instructor: Caller, position: int) -> None:
    listed = got(instructor, f"/api/v1/courses?wait_for={position}")
    assert listed["as_of"]["position"] == position
    assert listed["as_of"]["time"]
    assert listed["next"] is None
    (course,) = listed["items"]
    assert (course["iri"], course["name"], course["learners"]) == (COURSE, COURSE, 18)
    assert (course["completed"], course["withdrawn"]) == (0, 0)
    one = got(instructor, f"/api/v1/courses/{course['id']}")
    assert one.pop("as_of")["position"] == position
    assert one == course


def test_learners_page_by_page(instructor: Caller, position: int) -> None:
    address: str | None = f"/api/v1/courses/{only_course(instructor)['id']}/learners?limit=5"
    found: list[Any] = []
    while address:
        answered = got(instructor, address)
        assert len(answered["items"]) <= 5
        found += answered["items"]
        address = answered["next"]
    assert len({learner["pseudonym"] for learner in found}) == len(found) == 18
    for learner in found:
        assert 0 <= learner["progress"] <= 1
        assert learner["progress_basis"] == "seen"
        assert learner["last_active"]
        for skill in learner["mastery"]:
            assert skill["iri"].startswith("https://example.org/competency/")
            assert (skill["p"] is None) == (skill["mastered"] is None) == (skill["evidence"] < 3)


def test_who_struggles_and_why(services: Services, instructor: Caller, position: int) -> None:
    evaluate(services)
    course = only_course(instructor)
    flagged = got(instructor, f"/api/v1/courses/{course['id']}/struggling")["items"]
    assert len(flagged) == course["struggling"] >= 1
    codes = {reason["code"] for learner in flagged for reason in learner["flag"]["reasons"]}
    assert "inactive" in codes
    for learner in flagged:
        for reason in learner["flag"]["reasons"]:
            assert reason.keys() == {"code", "value", "threshold", "cohort", "evidence"}
    known = {answer(500, "idle")["id"]}
    evidence = {e for each in flagged for r in each["flag"]["reasons"] for e in r["evidence"]}
    assert known <= evidence
    first = got(instructor, f"/api/v1/courses/{course['id']}/struggling?limit=1")
    assert first["items"] == flagged[:1]
    if len(flagged) > 1:
        assert got(instructor, first["next"])["items"] == flagged[1:2]


def test_one_learner(instructor: Caller, position: int) -> None:
    course = only_course(instructor)
    shown = got(instructor, f"/api/v1/courses/{course['id']}/learners")["items"][0]
    learner = got(instructor, f"/api/v1/learners/{shown['pseudonym']}")
    assert learner["as_of"]["position"] == position
    (enrolment,) = learner["courses"]
    assert enrolment.pop("course") == {name: course[name] for name in ("id", "iri", "name")}
    assert enrolment == shown
    for name in ("pseudonym", "progress", "mastery", "last_active", "flag"):
        assert learner[name] == shown[name]


def test_nothing_there(instructor: Caller, position: int) -> None:
    for path in ("courses/{}", "courses/{}/learners", "courses/{}/struggling", "learners/{}"):
        assert instructor("GET", f"/api/v1/{path.format(uuid4())}").status_code == 404


def test_nothing_of_another_institution(
    services: Services, instructor: Caller, stranger: Caller, position: int
) -> None:
    institution = services.credentials.verify(stranger.key, stranger.secret).institution
    key, secret = services.credentials.issue(institution, "teacher", [Role.INSTRUCTOR])
    other = Caller(stranger.client, key, secret)
    course = only_course(instructor)
    learner = got(instructor, f"/api/v1/courses/{course['id']}/learners")["items"][0]
    assert got(other, "/api/v1/courses")["items"] == []
    assert other("GET", f"/api/v1/courses/{course['id']}").status_code == 404
    assert other("GET", f"/api/v1/courses/{course['id']}/learners").status_code == 404
    assert other("GET", f"/api/v1/learners/{learner['pseudonym']}").status_code == 404


@pytest.mark.parametrize("role", [Role.TOOL, Role.ANALYST, Role.OPERATOR])
def test_who_may_not(callers: dict[Role, Caller], position: int, role: Role) -> None:
    assert callers[role]("GET", "/api/v1/courses").status_code == 403
    assert callers[role]("GET", f"/api/v1/learners/{uuid4()}").status_code == 403


def test_an_officer_may(callers: dict[Role, Caller], position: int) -> None:
    assert callers[Role.OFFICER]("GET", "/api/v1/courses").status_code == 200


def test_views_that_lag_say_so(
    instructor: Caller, position: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.v1.reflected.WAIT_SECONDS", 0.1)
    behind = instructor("GET", f"/api/v1/courses?wait_for={position + 1}")
    assert behind.status_code == 503
    assert behind.headers["Retry-After"]
    assert instructor("GET", "/api/v1/courses?wait_for=-1").status_code == 400


def evaluate(services: Services) -> None:
    """Judges the courses, as the worker does every few seconds."""
    with services.pool.connection() as connection:
        evaluate_changed(connection, datetime.now(UTC))


def test_ids_are_opaque(instructor: Caller, position: int) -> None:
    assert UUID(only_course(instructor)["id"])
