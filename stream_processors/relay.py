"""The relay: follows the notification log and carries what it means to Kafka.

One leads at a time, by an advisory lock on the connection that also writes the cursor, so that one
who lost the lock cannot move it. The cursor moves only after every acknowledgement: a relay that
dies sends again, and skips nothing. Each message names the one before it in its partition.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from datetime import datetime
from typing import Any

import psycopg
import structlog
from aiokafka import AIOKafkaProducer

from lrs.services import Services
from projections.messages import Kind, Message, encode
from projections.views import dead_letters, tracking
from projections.views.dead_letters import Dead
from stream_processors.agents import connect
from stream_processors.partitions import topic
from stream_processors.translate import LOG, Draft, Translator

log = structlog.get_logger("stream_processors.relay")

LEADER_LOCK = 7003
POLL_SECONDS = 0.05
MARK_SECONDS = 0.1
PAGE = 1000

Place = tuple[str, int]
"""Stream and partition."""


class LostLead(RuntimeError):
    """The connection that held the lock is gone, and the lock with it."""


class Relay:
    """Carries the log; `run` until `stop`."""

    def __init__(self, services: Services) -> None:
        settings = services.settings
        self._settings = settings
        self._store = services.store
        self._translator = Translator(services.store, services.pool, services.blind, settings)
        self._stopping = asyncio.Event()
        self._places = [
            (stream, partition)
            for stream in tracking.STREAMS
            for partition in range(settings.kafka_partitions)
        ]
        self._cursor = 0
        self._chains: dict[Place, int] = {}

    def stop(self) -> None:
        """Makes `run` end after the page at hand."""
        self._stopping.set()

    async def run(self) -> None:
        """Waits to lead, then carries the log until `stop`.

        Raises when Kafka or the database fails: whoever supervises starts another.
        """
        with await asyncio.to_thread(self._connect) as lead:
            while not await asyncio.to_thread(self._lead, lead):
                if await self._pause(1.0):
                    return
            log.info("leads", cursor=self._cursor)
            async with AIOKafkaProducer(
                bootstrap_servers=self._settings.kafka,
                enable_idempotence=True,
                acks="all",
                linger_ms=5,
                max_batch_size=256 * 1024,
            ) as producer:
                await self._follow(lead, producer)

    def _connect(self) -> psycopg.Connection[Any]:
        return connect(self._settings, "kumbuka relay")

    def _lead(self, lead: psycopg.Connection[Any]) -> bool:
        row = lead.execute("SELECT pg_try_advisory_lock(%s)", [LEADER_LOCK]).fetchone()
        if row is None or not row[0]:
            return False
        lead.execute("INSERT INTO streams.relay (position) VALUES (0) ON CONFLICT DO NOTHING")
        cursor = lead.execute("SELECT position FROM streams.relay").fetchone()
        assert cursor is not None
        self._cursor = cursor[0]
        self._chains = {
            (stream, partition): position
            for stream, partition, position in lead.execute(
                "SELECT stream, partition, position FROM streams.chains"
            )
        }
        return True

    async def _follow(self, lead: psycopg.Connection[Any], producer: AIOKafkaProducer) -> None:
        marked = asyncio.get_running_loop().time() - MARK_SECONDS
        unmarked = False
        while not self._stopping.is_set():
            head = await asyncio.to_thread(self._head)
            if head > self._cursor:
                await self._carry(lead, producer, head)
                unmarked = True
            # Marks go out under load too: readers must see how far the views are meanwhile.
            now = asyncio.get_running_loop().time()
            if unmarked and now - marked >= MARK_SECONDS:
                await self._mark(lead, producer)
                marked, unmarked = now, False
            if self._cursor >= head:
                await self._pause(POLL_SECONDS)

    def _head(self) -> int:
        """Returns how far the log may be read; asks the barrier only if something is new."""
        return self._store.head() if self._store.last() > self._cursor else self._cursor

    async def _carry(
        self, lead: psycopg.Connection[Any], producer: AIOKafkaProducer, head: int
    ) -> None:
        """Sends one page of what stands before `head`."""
        reached, page = await asyncio.to_thread(self._translator.page, self._cursor, PAGE, head)
        await self._send(producer, page.drafts)
        await asyncio.to_thread(self._persist, lead, reached, page.dead)

    async def _mark(self, lead: psycopg.Connection[Any], producer: AIOKafkaProducer) -> None:
        """Tells every partition that there is nothing more for it up to the cursor."""
        recorded_at = await asyncio.to_thread(self._recorded_at, lead)
        mark = Message(Kind.MARK, self._cursor, 0, recorded_at)
        acknowledged = [
            await self._put(producer, place, mark)
            for place in self._places
            if self._chains.get(place, 0) < self._cursor
        ]
        await _all(producer, acknowledged)
        await asyncio.to_thread(self._persist, lead, self._cursor, [])

    def _recorded_at(self, lead: psycopg.Connection[Any]) -> datetime:
        row = lead.execute(
            "SELECT recorded_at FROM lrs.stored_events WHERE notification_id <= %s"
            " ORDER BY notification_id DESC LIMIT 1",
            [self._cursor],
        ).fetchone()
        assert row is not None
        moment: datetime = row[0]
        return moment

    async def _send(self, producer: AIOKafkaProducer, drafts: Sequence[Draft]) -> None:
        acknowledged = []
        for draft in drafts:
            place = (draft.stream, draft.place(self._settings.kafka_partitions))
            acknowledged.append(await self._put(producer, place, draft.message))
        await _all(producer, acknowledged)

    async def _put(
        self, producer: AIOKafkaProducer, place: Place, message: Message
    ) -> Awaitable[Any]:
        stream, partition = place
        linked = message._replace(prev=self._chains.get(place, 0))
        self._chains[place] = message.position
        key = str(message.learner).encode() if message.learner else None
        acknowledged: Awaitable[Any] = await producer.send(
            topic(self._settings.topic_prefix, stream),
            encode(linked),
            key=key,
            partition=partition,
        )
        return acknowledged

    def _persist(self, lead: psycopg.Connection[Any], cursor: int, dead: Sequence[Dead]) -> None:
        """Writes the cursor and the chains; only the one who leads can."""
        places = sorted(self._chains)
        try:
            with lead.transaction():
                lead.execute("UPDATE streams.relay SET position = %s", [cursor])
                lead.execute(
                    "INSERT INTO streams.chains (stream, partition, position)"
                    " SELECT * FROM unnest(%s::text[], %s::int[], %s::bigint[])"
                    " ON CONFLICT (stream, partition) DO UPDATE SET position = excluded.position",
                    [
                        [place[0] for place in places],
                        [place[1] for place in places],
                        [self._chains[place] for place in places],
                    ],
                )
                dead_letters.keep(lead, LOG, dead)
        except psycopg.OperationalError as error:
            raise LostLead("the relay's connection is gone") from error
        self._cursor = cursor

    async def _pause(self, seconds: float) -> bool:
        """Waits; returns whether it is time to stop."""
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return False
        return True


async def _all(producer: AIOKafkaProducer, acknowledged: Sequence[Awaitable[Any]]) -> None:
    await producer.flush()
    for each in acknowledged:
        await each
