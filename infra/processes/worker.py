"""The worker process: the Faust application, and what runs beside it until one of them ends."""

import asyncio
import os
from collections.abc import Coroutine
from signal import SIGINT, SIGTERM
from typing import Any

import structlog
import uvloop

from lrs.settings import Settings
from projections.views import tracking
from stream_processors import dead_letters, evaluation
from stream_processors.agents import FAILED, connect
from stream_processors.app import make_app
from stream_processors.repair import Repairer
from stream_processors.watchdog import Watchdog

log = structlog.get_logger("infra.processes.worker")

LOOK_SECONDS = 0.2


def run(settings: Settings) -> None:
    """Builds the views until SIGTERM; ends with another code than 0 when anything fails."""
    with connect(settings) as connection:
        tracking.prepare(connection, settings.kafka_partitions)
    uvloop.run(_run(settings))


async def _run(settings: Settings) -> None:
    stopping = asyncio.Event()
    for number in (SIGINT, SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    repairer = Repairer(settings)
    app = make_app(settings, repairer.repair, os._exit)

    def assigned() -> set[tuple[str, int]]:
        prefix = f"{settings.topic_prefix}."
        return {(tp.topic.removeprefix(prefix), tp.partition) for tp in app.consumer.assignment()}

    await app.start()
    log.info("runs")
    beside = [
        asyncio.create_task(_or_end(work))
        for work in (
            Watchdog(settings, assigned, os._exit).run(),
            repairer.watch(assigned),
            dead_letters.publish(settings),
            evaluation.tick(settings),
        )
    ]
    while not stopping.is_set() and not app.crashed and not app.should_stop:
        await asyncio.sleep(LOOK_SECONDS)
    if not stopping.is_set():
        log.error("the stream processor ended by itself")
        os._exit(FAILED)
    for task in beside:
        task.cancel()
    await app.stop()


async def _or_end(work: Coroutine[Any, Any, None]) -> None:
    """Ends the process when what runs beside the application fails: the supervisor starts anew."""
    try:
        await work
    except Exception as error:
        log.error("failed beside the agents", exc_info=error)
        os._exit(FAILED)
