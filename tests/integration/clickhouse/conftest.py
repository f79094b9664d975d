"""The release pipeline over a real event log and real views, with a clock that tests set."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg import Connection

from clickhouse.client import ClickHouse
from clickhouse.inputs import Inputs
from clickhouse.mechanisms.accounting import Budget, budget
from clickhouse.releases import Releases
from infra.local.clickhouse import ClickHouse as Engine
from lrs.services import Services

TERM_BEGINS = datetime(2026, 1, 5, 12, tzinfo=UTC)  # a Monday
DEFAULT = budget(4.0, 1e-6)


@dataclass
class Clock:
    """The time that a test says it is."""

    now: datetime = TERM_BEGINS

    def __call__(self) -> datetime:
        return self.now

    def tick(self, **span: int) -> None:
        self.now += timedelta(**span)


@dataclass
class World:
    """One institution: what its learners did, as the views have it, and its releases."""

    services: Services
    institution: UUID = field(default_factory=uuid4)
    clock: Clock = field(default_factory=Clock)
    position: int = 0

    def did(self, learners: int, course: UUID, *days: date, statements: int = 3) -> None:
        """Lets `learners` learners be active in `course` on each of these days."""
        rows = []
        for learner in range(learners):
            for day in days:
                self.position += 1
                rows.append((course, _learner(learner), day, self.position, statements))
        with self.services.pool.connection() as connection:
            connection.cursor().executemany(
                "INSERT INTO views.daily_facts"
                " (institution, course, learner, day, first_position, statements)"
                f" VALUES ('{self.institution}', %s, %s, %s, %s, %s)",
                rows,
            )

    def completed(self, learners: int, course: UUID) -> None:
        """Lets `learners` learners complete `course`."""
        rows = []
        for learner in range(learners):
            self.position += 1
            rows.append((course, _learner(learner), *[self.position] * 3))
        with self.services.pool.connection() as connection:
            connection.cursor().executemany(
                "INSERT INTO views.enrolments (institution, course, learner, first_position,"
                " last_position, completed_position, completed, statements, evidence, milliseconds)"
                f" VALUES ('{self.institution}', %s, %s, %s, %s, %s, true, 1, 0, 0)",
                rows,
            )

    def releases(self, given: Budget = DEFAULT) -> Releases:
        """Returns the pipeline over this world's views, which have reached its position."""

        def reflected(_: Connection[Any]) -> int:
            return self.position

        inputs = Inputs(self.services.pool, reflected)
        return Releases(self.services.store, inputs, budget=given, clock=self.clock)


def _learner(number: int) -> UUID:
    return UUID(int=0xFEED_0000_0000 + number)


@pytest.fixture
def world(services: Services) -> World:
    """An institution of the test's own."""
    return World(services)


@pytest.fixture
def worlds(services: Services) -> Callable[[], World]:
    """Makes institutions."""
    return lambda: World(services)


@pytest.fixture
def warehouse(clickhouse: Engine) -> Iterator[ClickHouse]:
    """Our client of the running ClickHouse."""
    client = ClickHouse(clickhouse.url)
    yield client
    client.close()
