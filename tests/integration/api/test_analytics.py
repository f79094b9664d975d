"""Analytics over HTTP: released rows with their noise, and the budget beside them."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from api.services import Services
from clickhouse.groups import History
from clickhouse.plans import PLANS
from domain.roles import Role
from infra.local.clickhouse import ClickHouse
from lrs.settings import Settings
from tests.integration.api.conftest import Caller

IRI = "https://example.org/course/1"
PAST = [date(2025, 10, 6) + timedelta(days=n) for n in range(21)]
LEARNERS = 400
SHOWN = "until=2025-10-31"
"""Leaves out today, on which nobody was active: noise alone publishes such a row now and then."""


@pytest.fixture(scope="module")
def settings(settings: Settings, clickhouse: ClickHouse) -> Settings:
    """Settings of this module's database, with a ClickHouse."""
    return settings.model_copy(update={"clickhouse_url": clickhouse.url})


@pytest.fixture(scope="module")
def course(services: Services, institution: UUID) -> UUID:
    """A course of which everything was released."""
    services.activities.remember(
        institution, [{"id": IRI, "definition": {"name": {"en": "Course one"}}}]
    )
    made = services.activities.identify(institution, IRI)
    rows = [
        (institution, made, UUID(int=learner), day, 1 + learner, 5)
        for learner in range(LEARNERS)
        for day in PAST
    ]
    with services.pool.connection() as connection:
        connection.cursor().executemany(
            "INSERT INTO views.daily_facts"
            " (institution, course, learner, day, first_position, statements)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            rows,
        )
        connection.execute(
            "INSERT INTO views.tracking (stream, partition, position) VALUES ('facts', 0, %s)",
            [1 + LEARNERS],
        )
    services.analytics.release(institution, [(plan, History()) for plan in PLANS])
    services.analytics.ship(institution)
    return made


def get(caller: Caller, path: str) -> Any:
    """Returns the JSON of a good answer."""
    answer = caller("GET", path)
    assert answer.status_code == 200, answer.text
    return answer.json


@pytest.mark.parametrize("role", [Role.ANALYST, Role.OPERATOR])
def test_rows_carry_their_noise(callers: dict[Role, Caller], course: UUID, role: Role) -> None:
    body = get(callers[role], f"/api/v1/analytics/daily-actives?limit=500&{SHOWN}")
    assert body["next"] is None
    assert {row["start"] for row in body["items"]} == {day.isoformat() for day in PAST}
    for row in body["items"]:
        assert row["course"] is None
        assert row["low"] < row["value"] < row["high"]
        assert abs(row["value"] - LEARNERS) < 7 * row["sigma"]
        assert row["bound"] == 40 and row["rho"] > 0
    told, shipped = body["as_of"]["time"], body["items"][0]["released_at"]
    apart = datetime.fromisoformat(told) - datetime.fromisoformat(shipped)
    assert abs(apart) < timedelta(milliseconds=2)  # ClickHouse keeps milliseconds
    budget = body["budget"]
    assert budget["spent"] + budget["remaining"] == pytest.approx(budget["total"])
    assert 0 < budget["epsilon_spent"] < budget["epsilon"] == 4
    assert budget["releases"] == len(PLANS)
    assert get(callers[role], "/api/v1/analytics/budget") == budget


def test_courses_are_named_and_pages_go_on(callers: dict[Role, Caller], course: UUID) -> None:
    analyst = callers[Role.ANALYST]
    whole = get(analyst, f"/api/v1/analytics/weekly-actives?course={course}&{SHOWN}")["items"]
    assert len(whole) == 3
    assert whole[0]["course"] == {"id": str(course), "iri": IRI, "name": "Course one"}
    walked: list[Any] = []
    path = f"/api/v1/analytics/weekly-actives?limit=1&{SHOWN}"
    while path:
        answer = get(analyst, path)
        walked += answer["items"]
        path = answer["next"]
    assert walked == whole
    second = get(analyst, "/api/v1/analytics/weekly-actives?since=2025-10-13&until=2025-10-14")
    assert second["items"] == whole[1:2]
    other = get(analyst, f"/api/v1/analytics/weekly-actives?course={UUID(int=5)}")
    assert other["items"] == []


@pytest.mark.parametrize("stream", ["course-learners", "completions", "statements"])
def test_every_stream_answers(callers: dict[Role, Caller], course: UUID, stream: str) -> None:
    answer = get(callers[Role.ANALYST], f"/api/v1/analytics/{stream}")
    if stream == "completions":  # nobody completed: none, or now and then one of noise alone
        assert all(item["value"] >= 2 * item["sigma"] for item in answer["items"])
    else:
        assert len(answer["items"]) == 1


@pytest.mark.parametrize("role", [Role.TOOL, Role.INSTRUCTOR])
def test_others_are_refused(callers: dict[Role, Caller], course: UUID, role: Role) -> None:
    assert callers[role]("GET", "/api/v1/analytics/budget").status_code == 403


def test_another_institution_sees_nothing(
    services: Services, callers: dict[Role, Caller], course: UUID
) -> None:
    other = services.institutions.create("Elsewhere").institution
    key, secret = services.credentials.issue(other, "analyst", [Role.ANALYST])
    stranger = Caller(callers[Role.ANALYST].client, key, secret)
    body = get(stranger, "/api/v1/analytics/daily-actives")
    assert body["items"] == []
    assert body["budget"]["spent"] == 0
    assert services.store.stream(other), "the institution itself is an event"
    assert services.analytics.releases.released(other) == []


def test_bad_dates_are_refused(callers: dict[Role, Caller], course: UUID) -> None:
    answer = callers[Role.ANALYST]("GET", "/api/v1/analytics/daily-actives?since=yesterday")
    assert answer.status_code == 400
    assert '"since"' in answer.text


def test_every_stream_has_its_address(callers: dict[Role, Caller], course: UUID) -> None:
    for plan in PLANS:
        get(callers[Role.ANALYST], f"/api/v1/analytics/{plan.stream}")
