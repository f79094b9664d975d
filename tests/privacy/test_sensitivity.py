"""Grey box: with the same seed, one learner more or less moves the counts by no more than declared.

The same check must catch each bounding that is wrong on purpose, or it would prove nothing.
"""

from math import sqrt
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickhouse.bounding import bounded, system_sampler
from clickhouse.mechanisms.histogram import Histogram
from tests.privacy.samplers import (
    Bounding,
    Rows,
    seeded,
    with_one_stream_of_randomness,
    without_bound,
    without_clip,
    without_dedupe,
)

LEARNERS = st.integers(1, 6).map(lambda number: UUID(int=number))
ROWS = st.lists(st.tuples(LEARNERS, st.integers(0, 8), st.integers(1, 5)), max_size=60)


def worst_change(count: Bounding, rows: Rows, bound: int, each: int, seed: int) -> None:
    """Raises AssertionError where removing any one learner changes too much."""
    rows = list(rows)
    mechanism = Histogram(bound=bound, each=each, rho=0.1)
    whole = count(rows, bound, each, seeded(seed))
    for learner in {row[0] for row in rows}:
        without = count([row for row in rows if row[0] != learner], bound, each, seeded(seed))
        changes = [whole[key] - without[key] for key in set(whole) | set(without)]
        assert sqrt(sum(change**2 for change in changes)) <= mechanism.sensitivity + 1e-9
        assert max(map(abs, changes), default=0) <= each
        assert sum(change != 0 for change in changes) <= bound


@given(ROWS, st.integers(1, 5), st.integers(1, 4), st.integers())
def test_one_learner_moves_the_counts_no_more_than_declared(
    rows: list[tuple[UUID, int, int]], bound: int, each: int, seed: int
) -> None:
    worst_change(bounded, rows, bound, each, seed)


@pytest.mark.parametrize(
    "wrong", [without_dedupe, without_bound, without_clip, with_one_stream_of_randomness]
)
def test_wrong_bounding_is_caught(wrong: Bounding) -> None:
    chance = Random(3)
    rows = [
        (UUID(int=chance.randrange(12)), chance.randrange(9), chance.randrange(1, 6))
        for _ in range(200)
    ]
    worst_change(bounded, rows, 3, 2, 1)
    with pytest.raises(AssertionError):
        worst_change(wrong, rows, 3, 2, 1)


def test_each_group_is_kept_equally_often() -> None:
    rows = [(UUID(int=1), key, 1) for key in range(5)]
    kept = [0] * 5
    for _ in range(5000):
        for key in bounded(rows, 2, 1, system_sampler):
            kept[key] += 1
    assert all(abs(times - 2000) < 6 * sqrt(5000 * 0.4 * 0.6) for times in kept)
