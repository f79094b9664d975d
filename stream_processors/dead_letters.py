"""Dead letters to their topic, for whoever watches it; the letters themselves stay in Postgres."""

import asyncio
from typing import Any

import orjson
from aiokafka import AIOKafkaProducer

from lrs.settings import Settings
from projections.views import dead_letters
from stream_processors.agents import connect
from stream_processors.partitions import DEAD_LETTERS, topic

EVERY_SECONDS = 1.0


async def publish(settings: Settings) -> None:
    """Publishes dead letters as they come, at least once: where they stood and why, no content."""
    connection = await asyncio.to_thread(connect, settings)
    async with AIOKafkaProducer(
        bootstrap_servers=settings.kafka, enable_idempotence=True
    ) as producer:
        while True:
            await _publish(connection, producer, topic(settings.topic_prefix, DEAD_LETTERS))
            await asyncio.sleep(EVERY_SECONDS)


async def _publish(connection: Any, producer: AIOKafkaProducer, to: str) -> None:
    while news := await asyncio.to_thread(dead_letters.unpublished, connection):
        for dead_letter, stream, partition, position, reason in news:
            body = {
                "id": dead_letter,
                "stream": stream,
                "partition": partition,
                "position": position,
                "reason": reason,
            }
            await producer.send(to, orjson.dumps(body))
        await producer.flush()
        ids = [dead_letter for dead_letter, *_ in news]
        await asyncio.to_thread(dead_letters.mark_published, connection, ids)
