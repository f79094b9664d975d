"""Real courses through the whole way: file, store, relay, Kafka, worker, views.

Every statement is accounted for, and the views say what an independent script computes from the
files (tests/checks/expected.py).
"""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
import pytest

from domain.credentials import Credential
from domain.people import canonical_ifi
from infra.imports.acceptor import Acceptor
from infra.imports.importer import Importer
from infra.imports.source import open_source
from infra.local import demo
from infra.local.kafka import Kafka
from infra.local.postgres import Postgres
from lrs.services import Services, open_services
from lrs.settings import Settings
from tests import shared_data
from tests.checks.expected import Course, Learner, expected, read
from tests.conftest import drop_database, fresh_database
from tests.pipeline import streams

CATCH_UP_SECONDS = 180.0

SETS = (
    pytest.param((demo.COURSE,), id="demo"),
    pytest.param(
        shared_data.STATEMENTS,
        id="real",
        marks=pytest.mark.skipif(bool(shared_data.missing()), reason=shared_data.missing()),
    ),
)


class Imported(NamedTuple):
    """A store that holds the files, and the views over it."""

    services: Services
    institution: UUID
    views: psycopg.Connection[Any]
    courses: dict[str, Course]

    def course(self, iri: str) -> UUID:
        """Returns a course's opaque id."""
        assert iri
        return self.services.activities.identify(self.institution, iri)

    def learners(self, wanted: set[Learner]) -> dict[Learner, UUID]:
        """Returns the pseudonyms of learners, who must all be known."""
        ifis = {learner: canonical_ifi(_agent(learner)) for learner in wanted}
        found = self.services.people.resolve(self.institution, {i for i in ifis.values() if i})
        return {learner: found[ifi] for learner, ifi in ifis.items() if ifi}


def _agent(learner: Learner) -> dict[str, Any]:
    home, name = learner
    return {"mbox": name} if home == "mbox" else {"account": {"homePage": home, "name": name}}


@pytest.fixture(scope="module", params=SETS)
def imported(
    request: pytest.FixtureRequest,
    postgres: Postgres,
    kafka: Kafka,
    template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Imported]:
    """All files of a set imported in one go while relay and worker run."""
    files: tuple[Path, ...] = request.param
    data = tmp_path_factory.mktemp("real")
    settings = fresh_database(postgres, template, data).model_copy(
        update={"kafka": kafka.bootstrap, "topic_prefix": data.name}
    )
    services = open_services(settings)
    institution = services.institutions.create("real").institution
    with streams(settings) as running:
        for file in files:
            _import(services, institution, settings, file)
        running.wait(services.store.head(), CATCH_UP_SECONDS)
    with psycopg.connect(settings.dsn, autocommit=True) as views:
        views.execute("SET search_path = views")
        yield Imported(services, institution, views, expected(read(map(str, files))))
    services.close()
    drop_database(postgres, settings)


def _import(services: Services, institution: UUID, settings: Settings, file: Path) -> None:
    acceptor = Acceptor(services, Credential("tool", institution, "tool", frozenset()))
    source = open_source(str(file))
    importer = Importer(acceptor, institution, settings.data / "i", batch=200, longest=1 << 24)
    done = importer.run(source)
    source.close()
    with gzip.open(file) as lines:
        assert done.progress.statements == sum(1 for line in lines if line.strip())
    assert done.progress.refused == {}


def test_every_course_is_there(imported: Imported) -> None:
    rows = imported.views.execute(
        "SELECT course, count(*), sum(statements) FROM enrolments GROUP BY course"
    )
    assert {course: (learners, statements) for course, learners, statements in rows} == {
        imported.course(iri): (len(course.learners), course.statements)
        for iri, course in imported.courses.items()
    }


def test_the_same_learners(imported: Imported) -> None:
    for iri, course in imported.courses.items():
        rows = imported.views.execute(
            "SELECT learner, coalesce(withdrawn_at > registered_at, withdrawn_at IS NOT NULL)"
            " FROM enrolments WHERE course = %s",
            [imported.course(iri)],
        ).fetchall()
        known = imported.learners(course.learners)
        assert {learner for learner, _ in rows} == set(known.values())
        withdrawn = {learner for learner, withdrawn in rows if withdrawn}
        assert withdrawn == {known[who] for who in course.withdrawn}


def test_the_same_active_days(imported: Imported) -> None:
    for iri, course in imported.courses.items():
        rows = imported.views.execute(
            "SELECT learner, day FROM daily_facts WHERE course = %s", [imported.course(iri)]
        ).fetchall()
        known = imported.learners(course.learners)
        assert set(rows) == {(known[who], day) for who, days in course.days.items() for day in days}


def test_the_same_best_scores(imported: Imported) -> None:
    for iri, course in imported.courses.items():
        rows = imported.views.execute(
            "SELECT learner, activity, best FROM work WHERE course = %s AND best IS NOT NULL",
            [imported.course(iri)],
        ).fetchall()
        known = imported.learners(course.learners)
        assert {(learner, activity): best for learner, activity, best in rows} == {
            (known[who], imported.course(activity)): best
            for (who, activity), best in course.best.items()
        }


def test_the_same_completions(imported: Imported) -> None:
    for iri, course in imported.courses.items():
        rows = imported.views.execute(
            "SELECT learner, activity FROM work WHERE course = %s AND completed"
            " UNION ALL SELECT learner, course FROM completions WHERE course = %s",
            [imported.course(iri)] * 2,
        ).fetchall()
        known = imported.learners(course.learners)
        assert set(rows) == {
            (known[who], imported.course(activity)) for who, activity in course.completions
        }


def test_nothing_was_put_aside(imported: Imported) -> None:
    row = imported.views.execute("SELECT count(*) FROM views.dead_letters").fetchone()
    assert row == (0,)
