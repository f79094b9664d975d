"""Workflows in a process that kills itself, and whoever finishes what it began."""

import os
import signal
import time
from collections.abc import Callable
from typing import Any, TypeVar

from domain.workflow import Workflow
from lrs.services import Services, open_services

W = TypeVar("W", bound=Workflow)

Arm = Callable[[Services], None]


def die() -> None:
    """Ends this process by SIGKILL."""
    os.kill(os.getpid(), signal.SIGKILL)


def around_event(number: int, *, after: bool) -> Arm:
    """Returns what kills the process before its `number`-th recording, or right after it."""

    def arm(mine: Services) -> None:
        append, calls = mine.store.append, 0

        def dying(*events: Any, **more: Any) -> int:
            nonlocal calls
            calls += 1
            if calls == number and not after:
                die()
            position = append(*events, **more)
            if calls == number:
                die()
            return position

        mine.store.append = dying  # type: ignore[method-assign]

    return arm


def killed(services: Services, arm: Arm, work: Callable[[Services], object]) -> None:
    """Works in a process of its own that kills itself where `arm` says."""
    child = os.fork()
    if child == 0:
        try:
            mine = open_services(services.settings)
            arm(mine)
            work(mine)
        finally:
            os._exit(99)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL


def certified(run: Callable[[], W]) -> W:
    """Returns the workflow that `run` finishes once it can."""
    until = time.monotonic() + 5  # the server may still hold the dead process's lock
    while (done := run()).receipt is None:
        assert time.monotonic() < until
        time.sleep(0.05)
    return done
