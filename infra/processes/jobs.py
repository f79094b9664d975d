"""The jobs process: what is done on a schedule; how each job is done lives in its own layer.

To add a job: write a function that makes it and add that to `JOBS`.
"""

from collections.abc import Callable
from signal import SIGINT, SIGTERM, signal
from threading import Event

import structlog

from api.erasures import closures_of, erasures_of
from api.releases import pipeline_of
from domain.errors import BudgetExhausted
from infra.processes.forwarding import forwarding
from infra.processes.moves import moves
from infra.processes.schedule import Job
from infra.processes.schedule import run as run_jobs
from lrs.services import Services, open_services
from lrs.settings import Settings
from lrs.tenants import COUNT_SECONDS

log = structlog.get_logger("infra.jobs")

SHIP_SECONDS = 30.0
RESUME_SECONDS = 15.0
CLOSE_SECONDS = 2.0
EXPIRE_SECONDS = 3600.0
SWEEP_SECONDS = 600.0
CATCH_UP_SECONDS = 60.0


def run(settings: Settings) -> None:
    """Runs the jobs until SIGTERM or SIGINT."""
    stop = Event()
    for number in (SIGTERM, SIGINT):
        signal(number, lambda *_: stop.set())
    services = open_services(settings)
    try:
        log.info("jobs run", jobs=len(JOBS))
        run_jobs([make(services) for make in JOBS], stop)
    finally:
        services.close()


def releases(services: Services) -> Job:
    """Releases what is due, as soon as the views reflect what was stored until then."""
    made = pipeline_of(services)

    def release(stop: Event) -> None:
        for institution in services.placements.at(services.settings.shard):
            due = made.releases.due(institution)
            if not due:
                continue
            if not made.caught_up(services.store.last(), CATCH_UP_SECONDS, stop.is_set):
                log.warning("release waits for the views", institution=institution)
                return
            for plan in due:
                try:
                    done = made.release(institution, [(plan, None)])
                except BudgetExhausted:
                    log.warning("budget exhausted", stream=plan.stream)
                else:
                    log.info("released", stream=plan.stream, rows=sum(len(r.rows) for r in done))

    return Job("release", services.settings.release_check_seconds, release)


def shipping(services: Services) -> Job:
    """Brings to ClickHouse what was released but did not get there."""
    made = pipeline_of(services)

    def ship(_: Event) -> None:
        for institution in services.placements.at(services.settings.shard):
            if shipped := made.ship(institution):
                log.info("shipped", releases=shipped)

    seconds = min(SHIP_SECONDS, services.settings.release_check_seconds)
    return Job("ship", seconds, ship)


def erasures(services: Services) -> Job:
    """Finishes erasures that were cut short."""
    made = erasures_of(services)

    def resume(_: Event) -> None:
        if finished := made.resume():
            log.info("erasures finished", erasures=finished)

    return Job("erasures", RESUME_SECONDS, resume)


def closures(services: Services) -> Job:
    """Erases the institutions that are to be erased, and finishes what was cut short."""
    made = closures_of(services)

    def close(_: Event) -> None:
        if finished := made.resume():
            log.info("institutions erased", institutions=finished)

    return Job("closures", CLOSE_SECONDS, close)


def usage(services: Services) -> Job:
    """Counts what each institution stored since the last time."""

    def count(_: Event) -> None:
        services.usage.count()

    return Job("usage", COUNT_SECONDS, count)


def quarantine(services: Services) -> Job:
    """Drops what was refused too long ago."""

    def expire(_: Event) -> None:
        if expired := services.quarantine.expire(services.settings.quarantine_days):
            log.info("quarantine expired", items=expired)

    return Job("quarantine", EXPIRE_SECONDS, expire)


def uploads(services: Services) -> Job:
    """Deletes what interrupted uploads left."""

    def sweep(_: Event) -> None:
        if swept := services.contents.sweep():
            log.info("interrupted uploads swept", uploads=swept)

    return Job("uploads", SWEEP_SECONDS, sweep)


JOBS: list[Callable[[Services], Job]] = [
    releases,
    shipping,
    erasures,
    forwarding,
    quarantine,
    uploads,
    usage,
    closures,
    moves,
]
