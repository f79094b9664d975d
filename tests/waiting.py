"""Waiting for something to come true, but not for ever."""

from collections.abc import Callable
from time import monotonic, sleep


def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Waits for it."""
    end = monotonic() + seconds
    while not condition():
        assert monotonic() < end, "waited for too long"
        sleep(0.02)
