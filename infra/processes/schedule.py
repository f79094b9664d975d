"""Runs periodic jobs until it is told to stop: one thread for each, so that none waits for another.

A job that fails is logged and tried again at its next time; it must be safe to end it anywhere.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event, Thread
from time import monotonic

import structlog

log = structlog.get_logger("infra.jobs")

STOP_SECONDS = 0.8  # how long a running job may finish what it does


@dataclass(frozen=True)
class Job:
    """Something to do every so many seconds. `run` gets the event that tells it to stop early."""

    name: str
    seconds: float
    run: Callable[[Event], None]


def run(jobs: Sequence[Job], stop: Event) -> None:
    """Runs the jobs until `stop` is set; then returns within a second."""
    threads = [Thread(target=_repeat, args=(job, stop), name=job.name, daemon=True) for job in jobs]
    for thread in threads:
        thread.start()
    stop.wait()
    until = monotonic() + STOP_SECONDS
    for thread in threads:
        thread.join(max(0.0, until - monotonic()))


def _repeat(job: Job, stop: Event) -> None:
    while not stop.is_set():
        began = monotonic()
        try:
            job.run(stop)
        except Exception as error:
            if not stop.is_set():
                log.error("job failed", job=job.name, exc_info=error)
        stop.wait(max(0.0, job.seconds - (monotonic() - began)))
