"""What an agent does with a batch: hand it to the views, off the event loop, or end the process."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import psycopg
import structlog

from lrs.settings import Settings
from projections.messages import Letter, receive
from projections.views.apply import Applied, Gap, Stream, apply_batches

log = structlog.get_logger("stream_processors.agents")

BATCH = 1000
WITHIN_SECONDS = 0.1
FAILED = 70
"""Exit code of a worker that could not apply a batch (sysexits: EX_SOFTWARE)."""

Repair = Callable[[Stream, int], Awaitable[None]]
"""Reads a partition again (`stream_processors.repair`)."""


def connect(settings: Settings, name: str = "kumbuka worker") -> psycopg.Connection[Any]:
    """Returns a connection that finds the views by their bare names."""
    return psycopg.connect(
        settings.dsn,
        autocommit=True,
        application_name=name,
        options="-c search_path=views",
    )


class Agent:
    """Applies one stream's batches, one after the other."""

    def __init__(
        self, settings: Settings, stream: Stream, repair: Repair, end: Callable[[int], None]
    ) -> None:
        self._settings = settings
        self._repair = repair
        self._stream = stream
        self._end = end
        self._connection: psycopg.Connection[Any] | None = None

    async def consume(self, events: Any) -> None:
        """Takes batches for ever. Whatever fails ends the process before the batch is acked."""
        async for batch in events.take_events(BATCH, within=WITHIN_SECONDS):
            try:
                await self._take(_by_partition(batch))
            except asyncio.CancelledError:
                raise
            except BaseException as error:
                log.error("batch failed", stream=self._stream.name, exc_info=error)
                self._end(FAILED)

    async def _take(self, batches: dict[int, list[Letter]]) -> None:
        """Applies a batch; where a message is missing, its partition is read again as a whole."""
        while batches:
            try:
                await asyncio.to_thread(self._apply, batches)
                return
            except Gap as gap:
                await self._repair(self._stream, gap.partition)
                del batches[gap.partition]

    def _apply(self, batches: Mapping[int, Sequence[Letter]]) -> Applied:
        if self._connection is None:
            self._connection = connect(self._settings)
        applied = apply_batches(self._connection, self._stream, batches)
        if applied.dead:
            log.error("put aside", stream=self._stream.name, messages=applied.dead)
        return applied


def _by_partition(batch: Sequence[Any]) -> dict[int, list[Letter]]:
    """Returns the messages of a batch by partition, in order."""
    batches: dict[int, list[Letter]] = defaultdict(list)
    for event in batch:
        message = event.message
        batches[message.partition].append(receive(message.value or b"", message.offset))
    return batches
