"""What reaches ClickHouse: every released number once, and nothing else."""

from datetime import date, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from clickhouse.client import ClickHouse
from clickhouse.groups import History
from clickhouse.plans import PLANS, plan
from clickhouse.reads import ReleasedRow, page
from clickhouse.shipping import interval, ship, ship_missing
from domain.errors import Overloaded
from infra.local.clickhouse import ClickHouse as Engine
from tests.integration.clickhouse.conftest import World

COURSE, OTHER = UUID(int=0xC0), UUID(int=0xC1)
PAST = [date(2025, 10, 6) + timedelta(days=n) for n in range(30)]


def shipped(warehouse: ClickHouse, world: World, stream: str) -> list[ReleasedRow]:
    return page(warehouse, world.institution, stream, limit=1000)


@pytest.fixture
def released(world: World) -> World:
    """A world of which every stream was released."""
    world.did(400, COURSE, *PAST)
    world.did(300, OTHER, *PAST)
    world.completed(300, COURSE)
    for each in PLANS:
        world.releases().release(world.institution, each, History())
    return world


def test_shipping_again_changes_nothing(released: World, warehouse: ClickHouse) -> None:
    made = released.releases().released(released.institution)
    assert ship_missing(warehouse, released.institution, made) == len(PLANS)
    before = {p.stream: shipped(warehouse, released, p.stream) for p in PLANS}
    assert ship_missing(warehouse, released.institution, made) == 0
    for release in made:
        ship(warehouse, release)
    assert {p.stream: shipped(warehouse, released, p.stream) for p in PLANS} == before
    for release in made:
        rows = before[release.stream]
        assert {(row.course, row.start, row.end, row.value) for row in rows} == {
            (row.course, row.start, row.end, row.value) for row in release.rows
        }
        assert len(rows) == len(release.rows) > 0
        for row in rows:
            assert (row.sigma, row.rho, row.bound) == (release.sigma, release.rho, release.bound)
            assert (row.low, row.high) == interval(row.value, row.sigma)
            assert row.low < row.value < row.high
            assert row.closed_at == release.window.closed


def test_what_a_crash_left_unshipped_is_shipped_later(
    released: World, warehouse: ClickHouse
) -> None:
    made = released.releases().released(released.institution)
    ship(warehouse, made[0])
    rows = "kumbuka.released_rows"
    assert warehouse.query(f"SELECT count() FROM {rows}", {})[0][0] > 0
    assert ship_missing(warehouse, released.institution, made) == len(PLANS) - 1


def test_pages_go_on_where_they_ended(released: World, warehouse: ClickHouse) -> None:
    made = released.releases().released(released.institution)
    ship_missing(warehouse, released.institution, made)
    whole = shipped(warehouse, released, "weekly-actives")
    assert {row.course for row in whole} == {COURSE, OTHER}
    walked: list[ReleasedRow] = []
    while True:
        part = page(
            warehouse,
            released.institution,
            "weekly-actives",
            limit=3,
            after=walked[-1].place if walked else None,
        )
        if not part:
            break
        walked += part
    assert walked == whole
    of_course = page(warehouse, released.institution, "weekly-actives", limit=99, course=COURSE)
    assert of_course == [row for row in whole if row.course == COURSE]
    some = page(
        warehouse,
        released.institution,
        "weekly-actives",
        limit=99,
        since=date(2025, 10, 14),
        until=date(2025, 10, 20),
    )
    assert {row.start for row in some} == {date(2025, 10, 13), date(2025, 10, 20)}
    assert page(warehouse, uuid4(), "weekly-actives", limit=99) == []


def test_no_learner_is_in_clickhouse(
    released: World, warehouse: ClickHouse, clickhouse: Engine
) -> None:
    ship_missing(
        warehouse, released.institution, released.releases().released(released.institution)
    )
    columns = warehouse.query(
        "SELECT table, name FROM system.columns WHERE database = 'kumbuka'", {}
    )
    names = {name for _, name in columns}
    assert {"value", "sigma"} <= names
    assert not names & {"learner", "pseudonym", "actor", "count", "position", "after", "until"}
    learner = UUID(int=0xFEED_0000_0000)  # the first of those who were counted
    forms = (str(learner).encode(), learner.bytes, learner.bytes_le, learner.bytes[8:])
    for file in Path(clickhouse.folder).rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert not any(form in content for form in forms), file


def test_a_clickhouse_that_is_away_is_overloaded_not_wrong() -> None:
    away = ClickHouse("http://nobody:x@127.0.0.1:9")
    with pytest.raises(Overloaded):
        page(away, uuid4(), plan("daily-actives").stream, limit=1)
