"""A part that ends is started again, later and later while it keeps ending."""

import sys
from itertools import pairwise
from pathlib import Path

import pytest

from infra.local import watch
from infra.local.process import Child, StartFailed

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


class Clock:
    """A monotonic clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(watch, "time", made)
    return made


def kill(child: Child) -> None:
    assert child.process is not None
    child.process.kill()
    child.process.wait()


def test_back_off_doubles_and_heals(tmp_path: Path, clock: Clock) -> None:
    child = Child("part", tmp_path)
    told: list[str] = []
    part = watch.Watched("part", child, lambda: child.start(SLEEP), told.append)
    part.start()
    assert not part.tend()
    for delay in (0.5, 1.0, 2.0):
        kill(child)
        assert not part.tend()
        clock.now += delay - 0.01
        assert not part.tend()
        clock.now += 0.02
        assert part.tend()
    assert len(told) == 3
    clock.now += watch.HEALTHY_AFTER + 1
    assert not part.tend()
    kill(child)
    assert not part.tend()
    clock.now += 0.51
    assert part.tend()
    child.stop()


def test_a_start_that_fails_is_tried_again_and_never_too_rarely(
    tmp_path: Path, clock: Clock
) -> None:
    tries: list[float] = []

    def fail() -> None:
        tries.append(clock.now)
        raise StartFailed("no")

    part = watch.Watched("part", Child("part", tmp_path), fail)
    with pytest.raises(StartFailed):
        part.start()
    for _ in range(4000):
        clock.now += 0.1
        part.tend()
    gaps = [b - a for a, b in pairwise(tries)]
    assert gaps[0] < 1
    assert gaps[-1] == pytest.approx(watch.LONGEST_DELAY, abs=0.5)
    assert max(gaps) < watch.LONGEST_DELAY + 0.5
