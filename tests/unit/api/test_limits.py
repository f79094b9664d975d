"""Token buckets: by a clock that the test turns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import limits
from api.limits import BURST_SECONDS, Buckets


def test_a_burst_and_then_the_rate() -> None:
    buckets = Buckets()
    passed = sum(buckets.take("a", 1, 10, 0.0) == 0 for _ in range(50))
    assert passed == 10 * BURST_SECONDS
    assert buckets.take("a", 1, 10, 0.0) > 0
    assert buckets.take("a", 1, 10, 0.11) == 0
    assert buckets.take("a", 1, 10, 0.12) > 0


def test_others_are_not_touched() -> None:
    buckets = Buckets()
    while buckets.take("a", 1, 1, 0.0) == 0:
        pass
    assert buckets.take("b", 1, 1, 0.0) == 0


def test_more_than_a_bucket_holds_passes_once_and_is_paid_for() -> None:
    buckets = Buckets()
    assert buckets.take("a", 1000, 10, 0.0) == 0
    wait = buckets.take("a", 1, 10, 0.0)
    assert wait == pytest.approx((1000 - 20 + 1) / 10)
    assert buckets.take("a", 1, 10, wait - 0.1) > 0
    assert buckets.take("a", 1, 10, wait + 0.001) == 0


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_BUCKETS", 5)
    buckets = Buckets()
    for number in range(100):
        buckets.take(str(number), 1, 1, 0.1 * number)
    assert len(buckets._buckets) <= 5


@given(
    st.lists(st.tuples(st.floats(0, 3), st.integers(1, 30)), max_size=60),
    st.floats(0.5, 100),
)
def test_never_more_than_rate_burst_and_one_overdraft(
    takes: list[tuple[float, int]], rate: float
) -> None:
    buckets, now, passed = Buckets(), 0.0, 0
    for pause, amount in takes:
        now += pause
        if buckets.take("a", amount, rate, now) == 0:
            passed += amount
    assert passed <= max(1.0, rate * BURST_SECONDS) + rate * now + 30
