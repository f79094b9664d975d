"""Erasing an institution while the streams run: its rows go, none comes back, others stay."""

import asyncio
import threading
from uuid import UUID, uuid4

import psycopg
import pytest
from aiokafka import AIOKafkaConsumer

from api.erasures import closures_of
from domain.credentials import Credential
from domain.errors import Error
from domain.roles import Role
from domain.values.version import Version
from lrs.services import Services
from projections.messages import Kind, Message, receive
from projections.views.purge import ViewsPurger
from projections.views.tracking import STREAMS
from stream_processors.partitions import topic
from stream_processors.rebuild import rebuild
from tests.integration.lrs.samples import statement
from tests.pipeline import streams

SECONDS = 120.0


@pytest.fixture
def services(services_with_kafka: Services) -> Services:
    """The record store, over a broker."""
    return services_with_kafka


def tool(services: Services, name: str) -> Credential:
    made = services.institutions.create(name).institution
    return Credential(name, made, "a tool", frozenset({Role.TOOL}))


def accept(services: Services, by: Credential, *names: str) -> int:
    sent = [statement(name, result={"success": True, "score": {"scaled": 0.9}}) for name in names]
    return max(services.statements.accept(by, sent, Version.V1_0_3).positions)


def views(services: Services, institution: UUID) -> list[str]:
    """Returns every row of the institution in the views, as text; not when a course was judged,
    which the worker does again and again.
    """
    with psycopg.connect(services.settings.admin_dsn) as connection:
        tables = connection.execute(
            "SELECT table_name FROM information_schema.columns WHERE table_schema = 'views'"
            " AND column_name = 'institution' AND table_name <> 'evaluations' ORDER BY 1"
        ).fetchall()
        return [
            f"{table} {row}"
            for (table,) in tables
            for (row,) in connection.execute(
                f"SELECT t::text FROM views.{table} t WHERE institution = %s ORDER BY 1".encode(),
                [institution],
            )
        ]


def messages(services: Services, stream: str) -> list[tuple[int, Message]]:
    """Returns every message of a topic that is ours, with its partition."""

    async def read() -> list[tuple[int, Message]]:
        found = []
        settings = services.settings
        async with AIOKafkaConsumer(
            topic(settings.topic_prefix, stream),
            bootstrap_servers=settings.kafka,
            auto_offset_reset="earliest",
        ) as consumer:
            while got := await consumer.getmany(timeout_ms=2000):
                for place, records in got.items():
                    for record in records:
                        letter = receive(record.value, record.offset)
                        assert isinstance(letter, Message)
                        found.append((place.partition, letter))
        return found

    return asyncio.run(read())


def test_none_of_it_comes_back_into_the_views(services: Services) -> None:
    gone, here = tool(services, "gone"), tool(services, "here")
    purger = ViewsPurger(services.pool)
    names = [f"learner {n}" for n in range(10)]

    def write() -> None:
        """Writes until the institution is closed, so that relay and worker are never at rest."""
        try:
            while True:
                accept(services, gone, *names)
        except (Error, psycopg.DatabaseError):
            return

    with streams(services.settings) as running:
        accept(services, gone, *names)
        running.wait(accept(services, here, *names), SECONDS)
        kept = views(services, here.institution)
        assert kept
        assert purger.count_all(gone.institution) > 0
        writer = threading.Thread(target=write)
        writer.start()
        closures = closures_of(services)
        asked = closures.request(gone.institution, by="host", basis="")
        done = closures.run(asked)
        writer.join()
        assert done.receipt is not None
        assert done.purged["views"] > 0
        running.wait(services.store.last(), SECONDS)
        assert views(services, gone.institution) == []
        assert views(services, here.institution) == kept
        fence = done.receipt["payload"]["fenced_at_position"]
        for stream in STREAMS:
            told = [
                (partition, message.institution)
                for partition, message in messages(services, stream)
                if message.kind is Kind.ERASURE and message.position == fence
            ]
            assert sorted(told) == [
                (n, gone.institution) for n in range(services.settings.kafka_partitions)
            ]
        # The log gives the views anew: over the tombstones, with nothing of them.
        rebuild(services, lambda *_: None)
        assert views(services, gone.institution) == []
        assert views(services, here.institution) == kept
    # From the first message again, as after a loss of the worker's tracking.
    with services.pool.connection() as connection:
        connection.execute("DELETE FROM streams.relay")
        connection.execute("DELETE FROM streams.chains")
        connection.execute("DELETE FROM views.tracking")
        for table in ("facts", "enrolments", "daily_facts", "work"):
            connection.execute(f"DELETE FROM views.{table}".encode())
    again = services.settings.model_copy(update={"topic_prefix": f"again-{uuid4().hex}"})
    with streams(again) as running:
        running.wait(services.store.last(), SECONDS)
        assert purger.count_all(gone.institution) == 0
        assert purger.count_all(here.institution) > 0


def test_facts_that_lag_behind_are_left_out(services: Services) -> None:
    """The relay carried facts before the closure; the worker comes to them only afterwards."""
    gone = tool(services, "gone")
    accept(services, gone, "ada", "bob")
    closures = closures_of(services)
    with streams(services.settings) as running:
        worker = running.children["worker"]
        worker.terminate()
        worker.wait(10)
        with services.pool.connection() as connection:
            while (row := connection.execute("SELECT position FROM streams.relay").fetchone()) is (
                None
            ) or row[0] < services.store.last():
                pass
        closures.run(closures.request(gone.institution, by="host", basis=""))
    with streams(services.settings) as running:
        running.wait(services.store.last(), SECONDS)
        assert views(services, gone.institution) == []
    with services.pool.connection() as connection:
        dead = connection.execute("SELECT count(*) FROM views.dead_letters").fetchone()
    assert dead == (0,)
