"""Releases over a real log: windows, charges, races, and numbers that never change."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest

from clickhouse.groups import History
from clickhouse.plans import PLANS, plan
from domain.budget import Released, ledger_id
from domain.errors import BudgetExhausted
from tests.integration.clickhouse.conftest import DEFAULT, TERM_BEGINS, World

COURSE, OTHER = UUID(int=0xC0), UUID(int=0xC1)
DAILY, WEEKLY = plan("daily-actives"), plan("weekly-actives")
DAY = date(2026, 1, 5)
PAST = [date(2025, 10, 6) + timedelta(days=n) for n in range(10)]


def test_an_import_is_released_at_once(world: World) -> None:
    world.did(900, COURSE, *PAST)
    world.did(10, OTHER, *PAST)
    releases = world.releases()
    assert releases.never(world.institution) == list(PLANS)
    assert releases.due(world.institution) == []
    released = releases.release(world.institution, DAILY, History())
    assert released is not None
    assert released.bound == DAILY.history_bound
    assert released.rho == pytest.approx(DAILY.history_part * DEFAULT.rho)
    past = {row.start: row.value for row in released.rows if row.start < DAY}
    assert set(past) == set(PAST)
    assert all(abs(value - 900) < 6 * released.sigma for value in past.values())
    weekly = releases.release(world.institution, WEEKLY, History())
    assert weekly is not None
    assert {row.course for row in weekly.rows} == {COURSE}, "a small course is not named"
    assert [(row.start, row.end) for row in weekly.rows] == [
        (date(2025, 10, 6), date(2025, 10, 12)),
        (date(2025, 10, 13), date(2025, 10, 19)),
    ]


def test_a_declared_calendar_shows_what_would_not_be_discovered(world: World) -> None:
    world.did(75, COURSE, *PAST)
    releases = world.releases()
    hidden = releases.release(world.institution, DAILY, History())
    assert hidden is not None
    assert len([row for row in hidden.rows if row.start in PAST]) <= 4  # noise may lift a few
    world.did(75, OTHER, *PAST)
    shown = releases.release(world.institution, DAILY, History(PAST[0], PAST[-1]))
    assert shown is not None
    assert len([row for row in shown.rows if row.start in PAST]) >= 6


def test_each_fact_falls_into_one_window(world: World) -> None:
    releases = world.releases()
    first = releases.release(world.institution, DAILY)
    world.did(1500, COURSE, DAY)
    world.clock.tick(days=1)
    assert DAILY in releases.due(world.institution)
    second = releases.release(world.institution, DAILY)
    assert DAILY not in releases.due(world.institution)
    world.clock.tick(days=1)
    third = releases.release(world.institution, DAILY)
    assert first and second and third
    assert [(a.window.until, a.window.closed) for a in (first, second)] == [
        (b.window.after, b.window.opened) for b in (second, third)
    ]
    assert [row.start for row in second.rows if row.value > 900] == [DAY]
    assert [row for row in third.rows if row.value > 900] == []


def test_a_known_course_needs_no_discovery(world: World) -> None:
    world.did(400, COURSE, *PAST)
    releases = world.releases()
    releases.release(world.institution, WEEKLY, History())
    assert releases.ledger(world.institution).courses == {COURSE}
    world.did(180, COURSE, DAY)
    world.did(20, OTHER, DAY)
    world.clock.tick(days=7)
    released = releases.release(world.institution, WEEKLY)
    assert released is not None
    assert {row.course for row in released.rows if row.start == DAY} == {COURSE}


def test_completions_and_clipped_statements(world: World) -> None:
    world.completed(300, COURSE)
    world.did(300, COURSE, *PAST, statements=10_000)
    releases = world.releases()
    completions = releases.release(world.institution, plan("completions"), History())
    statements = releases.release(world.institution, plan("statements"), History())
    assert completions and statements
    [row] = completions.rows
    assert row.course == COURSE
    assert abs(row.value - 300) < 6 * completions.sigma
    [row] = statements.rows
    assert row.course is None
    assert abs(row.value - 300 * 200) < 6 * statements.sigma


def test_views_that_are_being_rebuilt_release_nothing(world: World) -> None:
    world.did(10, COURSE, DAY)
    releases = world.releases()
    assert releases.release(world.institution, DAILY) is not None
    world.position = 3
    assert releases.release(world.institution, DAILY) is None
    assert len(releases.released(world.institution)) == 1


def test_at_zero_nobody_gets_anything(world: World) -> None:
    world.did(500, COURSE, DAY)
    releases = world.releases()
    while True:
        before = releases.ledger(world.institution)
        try:
            released = releases.release(world.institution, DAILY, History())
        except BudgetExhausted:
            break
        assert released is not None
    after = releases.ledger(world.institution)
    assert after == before
    assert 0 <= after.rho_left < DAILY.history_part * DEFAULT.rho
    assert len(releases.released(world.institution)) == 7  # 0.13 each


def test_a_new_term_brings_a_new_budget_and_keeps_the_windows(world: World) -> None:
    world.did(500, COURSE, DAY)
    releases = world.releases()
    first = releases.release(world.institution, WEEKLY, History())
    assert first is not None
    world.clock.now = datetime(2027, 7, 2, tzinfo=UTC)  # two idle terms later
    peeked = releases.peek(world.institution)
    ledger = releases.ledger(world.institution)
    assert peeked.rho_left == ledger.rho_left == DEFAULT.rho
    assert ledger.allocated.term == "2027-H2"
    assert ledger.opening(WEEKLY.stream).position == first.window.until
    assert ledger.allocated.began == TERM_BEGINS
    assert ledger.courses == {COURSE}
    assert releases.released(world.institution) == [first]


def test_replay_changes_no_number(world: World) -> None:
    world.did(500, COURSE, *PAST)
    releases = world.releases()
    made = [releases.release(world.institution, each, History()) for each in PLANS]
    assert releases.released(world.institution) == made
    assert world.releases().released(world.institution) == made


def test_a_hundred_debits_at_once_never_overspend(world: World) -> None:
    world.did(200, COURSE, DAY)

    def debit(_: int) -> Released | None:
        try:
            return world.releases().release(world.institution, DAILY, History())
        except BudgetExhausted:
            return None

    with ThreadPoolExecutor(24) as threads:
        done = [made for made in threads.map(debit, range(100)) if made]
    ledger = world.releases().ledger(world.institution)
    assert ledger.rho_left >= 0
    assert ledger.rho_spent == pytest.approx(sum(made.rho for made in done))
    assert len(done) == int(1 / DAILY.history_part) == 7
    stream = world.services.store.stream(ledger_id(world.institution, "2026-H1"))
    assert [event.originator_version for event in stream] == list(range(1, len(done) + 2))
    windows = [event.window for event in stream[1:]]
    assert all(a.until == b.after for a, b in pairwise(windows))
