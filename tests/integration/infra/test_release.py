"""`lrs release` and the jobs process on a real instance: what is due is released and shipped."""

import os
import subprocess
import time
from collections.abc import Iterator
from datetime import date, timedelta
from signal import SIGTERM
from uuid import UUID

import pytest

from api.releases import pipeline_of
from clickhouse.client import ClickHouse
from clickhouse.reads import page
from domain.budget import BudgetAllocated, Closing, ledger_id
from domain.terms import HALF_YEARS
from infra.local.clickhouse import ClickHouse as Engine
from lrs.services import Services, open_services
from lrs.settings import Settings
from tests.commands import COMMAND, Lrs, environment_of, lrs_of

PAST = [date(2024, 10, 7) + timedelta(days=n) for n in range(14)]
COURSE = UUID(int=0xC0)


@pytest.fixture
def services(own_settings: Settings, clickhouse: Engine) -> Iterator[Services]:
    """Services of an instance with its own database, at a ClickHouse."""
    settings = own_settings.model_copy(
        update={"clickhouse_url": clickhouse.url, "release_check_seconds": 0.5}
    )
    opened = open_services(settings)
    yield opened
    opened.close()


@pytest.fixture
def institution(services: Services) -> UUID:
    """An institution with 300 learners who were active in the past, as the views have it."""
    made = services.institutions.create("Test college").institution
    with services.pool.connection() as connection:
        connection.cursor().executemany(
            "INSERT INTO views.daily_facts"
            " (institution, course, learner, day, first_position, statements)"
            " VALUES (%s, %s, %s, %s, 1, 4)",
            [(made, COURSE, UUID(int=n), day) for n in range(300) for day in PAST],
        )
        connection.execute(
            "INSERT INTO views.tracking (stream, partition, position) VALUES ('facts', 0, 1000000)"
        )
    return made


@pytest.fixture
def release(services: Services, institution: UUID) -> Lrs:
    """Runs `lrs release` there."""
    return lrs_of(services.settings, "release")


def test_the_first_release_after_an_import_gives_rows_at_once(
    release: Lrs, services: Services, institution: UUID
) -> None:
    first = release()
    assert first.exit_code == 0, first.output
    assert "Test college" in first.output
    assert "2024-10-07 to " in first.output
    assert "Remaining: rho 0.1" in first.output
    client = pipeline_of(services).client
    rows = page(client, institution, "daily-actives", limit=99)
    # Today nobody was active; noise alone may publish it, now and then.
    assert [row.start for row in rows if row.start <= PAST[-1]] == PAST
    again = release()
    assert "Nothing is due" in again.output
    assert page(client, institution, "daily-actives", limit=99) == rows
    early = release("--now")
    assert early.exit_code == 0
    assert "daily-actives" in early.output


def test_a_declared_past_and_the_end_of_the_budget(release: Lrs) -> None:
    known = release("--from", "2024-10-07", "--to", "2024-10-20")
    assert known.exit_code == 0, known.output
    assert release("--history").exit_code == 0
    spent = release("--history")
    assert spent.exit_code == 1
    assert "the next term brings a new budget" in spent.output
    assert "Remaining: rho 0.0" in spent.output
    wrong = release("--from", "2024-10-07")
    assert wrong.exit_code == 1
    assert "both" in wrong.output


def test_a_clickhouse_that_is_away_costs_no_number(
    release: Lrs, services: Services, institution: UUID
) -> None:
    away = release(LRS_CLICKHOUSE_URL="http://nobody:x@127.0.0.1:9")
    assert away.exit_code == 0, away.output
    assert "ClickHouse does not answer" in away.output
    release()
    assert page(pipeline_of(services).client, institution, "daily-actives", limit=99) != []


def opened_yesterday(services: Services, institution: UUID) -> None:
    """Opens the ledger as if the jobs process had seen the institution a day ago."""
    releases = pipeline_of(services).releases
    fresh = releases.peek(institution).allocated
    began = fresh.at - timedelta(days=1)
    services.store.append(fresh.model_copy(update={"began": began}))


def test_jobs_release_what_is_due_and_stop_within_a_second(
    services: Services, institution: UUID
) -> None:
    opened_yesterday(services, institution)
    client = ClickHouse(services.settings.clickhouse_url)
    with subprocess.Popen(
        [*COMMAND, "jobs"],
        env={**os.environ, **environment_of(services.settings)},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            until = time.monotonic() + 60
            query = "SELECT stream, bound FROM kumbuka.releases WHERE institution = {i:UUID}"
            while not (found := client.query(query, {"i": institution})):
                assert time.monotonic() < until
                assert process.poll() is None
                time.sleep(0.1)
            began = time.monotonic()
            process.send_signal(SIGTERM)
            _, log = process.communicate(timeout=20)
            assert time.monotonic() - began < 2
        finally:
            process.kill()
    assert ("daily-actives", 2) in found, "by schedule it is no history"
    assert process.returncode == 0
    assert '"released"' in log
    assert "job failed" not in log
    client.close()


def test_ledger_is_where_replay_looks_for_it(services: Services, institution: UUID) -> None:
    opened_yesterday(services, institution)
    ledger = pipeline_of(services).releases.ledger(institution)
    term = HALF_YEARS.term(ledger.allocated.at.date()).label
    [event] = services.store.stream(ledger_id(institution, term))
    assert isinstance(event, BudgetAllocated)
    assert ledger.opening("daily-actives") == Closing(position=0, at=event.began)
