"""The forwarding job: a thread for each forwarding, so that a slow receiver delays no other."""

from functools import partial
from threading import Event, Thread
from uuid import UUID

import structlog

from infra.processes.schedule import Job
from lrs.forwarder import Forwarder
from lrs.forwarding import Forwarding
from lrs.services import Services

log = structlog.get_logger("infra.jobs")

TEND_SECONDS = 2.0


def forwarding(services: Services) -> Job:
    """Keeps a forwarder running for each forwarding that is not stopped."""
    running: dict[UUID, Thread] = {}

    def tend(stop: Event) -> None:
        for each in services.forwardings.active():
            thread = running.get(each.id)
            if thread is None or not thread.is_alive():
                run = partial(_run, services, each, stop)
                running[each.id] = Thread(target=run, name=f"forward {each.id}", daemon=True)
                running[each.id].start()

    return Job("forward", TEND_SECONDS, tend)


def _run(services: Services, each: Forwarding, stop: Event) -> None:
    try:
        Forwarder(services, each).run(stop)
    except Exception as error:
        if not stop.is_set():
            log.error("forwarder failed", forwarding=str(each.id), exc_info=error)
