"""Ends a worker that is alive but idle: messages wait for it and nothing moves for a minute.

The lag that counts is read from Postgres: what the relay sent against what the views reflect.
"""

import asyncio
import time
from collections.abc import Callable, Set

import structlog

from lrs.settings import Settings
from projections.views import tracking
from stream_processors.agents import connect

log = structlog.get_logger("stream_processors.watchdog")

EVERY_SECONDS = 5.0
PATIENCE_SECONDS = 60.0
STALLED = 75
"""Exit code of a worker that stood still (sysexits: EX_TEMPFAIL)."""

Place = tuple[str, int]


class Watchdog:
    """Looks at the partitions that this worker was given."""

    def __init__(
        self,
        settings: Settings,
        assigned: Callable[[], Set[Place]],
        end: Callable[[int], None],
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._settings = settings
        self._assigned = assigned
        self._end = end
        self._patience = patience
        self._seen: dict[Place, tuple[int, float]] = {}

    async def run(self) -> None:
        """Looks every few seconds; a database that is away is the agents' matter."""
        connection = await asyncio.to_thread(connect, self._settings)
        while True:
            await asyncio.sleep(min(EVERY_SECONDS, self._patience / 4))
            lagging = await asyncio.to_thread(tracking.lagging, connection)
            if self.stalled(lagging, time.monotonic()):
                log.error("stalled", seconds=self._patience)
                self._end(STALLED)

    def stalled(self, lagging: dict[Place, int], now: float) -> bool:
        """Returns whether a partition of ours lags and has not moved for as long as we bear.

        `lagging` is the position of each partition that has messages waiting.
        """
        mine = self._assigned()
        self._seen = {
            place: (position, since)
            for place, position in lagging.items()
            if place in mine
            for since in [self._since(place, position, now)]
        }
        return any(now - since >= self._patience for _, since in self._seen.values())

    def _since(self, place: Place, position: int, now: float) -> float:
        before = self._seen.get(place)
        return before[1] if before and before[0] == position else now
