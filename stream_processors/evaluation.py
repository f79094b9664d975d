"""The clock tick: every few seconds the courses that changed are judged."""

import asyncio
from datetime import UTC, datetime

import structlog

from lrs.settings import Settings
from projections.views.evaluate import evaluate_changed
from stream_processors.agents import connect

log = structlog.get_logger("stream_processors.evaluation")


async def tick(settings: Settings) -> None:
    """Evaluates for ever; a failure is told and goes up."""
    connection = await asyncio.to_thread(connect, settings)
    while True:
        courses = await asyncio.to_thread(evaluate_changed, connection, datetime.now(UTC))
        if courses:
            log.debug("evaluated", courses=courses)
        await asyncio.sleep(settings.evaluate_seconds)
