"""Reads again what Faust lost: straight from the topic, from where the views stand.

When partitions change hands, Faust may drop messages that it has fetched already, count them as
done, and go on behind them, or stand still until the next one comes. Tracking in Postgres knows
where each partition really is, so the rest of it is read from there, past Faust and its offsets.
"""

import asyncio
import time
from collections.abc import Callable, Set
from typing import Any

import psycopg
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from lrs.settings import Settings
from projections.messages import Letter, receive
from projections.views import tracking
from projections.views.apply import STREAMS, Stream, apply_batches
from stream_processors.agents import connect
from stream_processors.partitions import topic
from stream_processors.watchdog import Place

log = structlog.get_logger("stream_processors.repair")

LOOK_SECONDS = 1.0
STILL_SECONDS = 3.0
"""How long a partition may stand still with messages waiting before it is read past Faust."""
PAGE = 1000
FETCH_MS = 1000


class Repairer:
    """Reads partitions past Faust; one at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = asyncio.Lock()
        self._connection: psycopg.Connection[Any] | None = None

    async def repair(self, stream: Stream, partition: int) -> None:
        """Applies everything of the partition that stands in the topic now.

        Raises `Gap` where even the topic lacks a message: then only a rebuild helps.
        """
        async with self._lock:
            if self._connection is None:
                self._connection = await asyncio.to_thread(connect, self._settings)
            place = TopicPartition(topic(self._settings.topic_prefix, stream.name), partition)
            async with AIOKafkaConsumer(
                bootstrap_servers=self._settings.kafka, enable_auto_commit=False
            ) as consumer:
                consumer.assign([place])
                end = (await consumer.end_offsets([place]))[place]
                applied = await self._read(consumer, place, stream, end)
            log.warning(
                "read past Faust", stream=stream.name, partition=partition, messages=applied
            )

    async def _read(
        self, consumer: AIOKafkaConsumer, place: TopicPartition, stream: Stream, end: int
    ) -> int:
        assert self._connection is not None
        after = await asyncio.to_thread(
            tracking.offset_of, self._connection, stream.name, place.partition
        )
        if after is None:
            await consumer.seek_to_beginning(place)
        else:
            consumer.seek(place, after + 1)
        applied = 0
        while await consumer.position(place) < end:
            fetched = await consumer.getmany(place, timeout_ms=FETCH_MS, max_records=PAGE)
            letters: list[Letter] = [
                receive(record.value or b"", record.offset) for record in fetched.get(place, ())
            ]
            batches = {place.partition: letters}
            done = await asyncio.to_thread(apply_batches, self._connection, stream, batches)
            applied += done.applied
        return applied

    async def watch(self, assigned: Callable[[], Set[Place]]) -> None:
        """Repairs partitions of ours that stand still while messages wait for them."""
        connection = await asyncio.to_thread(connect, self._settings)
        seen: dict[Place, tuple[int, float]] = {}
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            waiting = await asyncio.to_thread(tracking.lagging, connection)
            mine = assigned()
            now = time.monotonic()
            seen = {
                place: seen[place] if seen.get(place, (-1, 0))[0] == position else (position, now)
                for place, position in waiting.items()
                if place in mine
            }
            for (name, partition), (_, since) in seen.items():
                if now - since >= STILL_SECONDS:
                    await self.repair(STREAMS[name], partition)
