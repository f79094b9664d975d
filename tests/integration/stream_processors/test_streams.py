"""Log to views through the real broker: nothing lost, nothing twice, whatever is killed."""

import asyncio
import subprocess
import sys
import time
from typing import Any

import psycopg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from lrs.settings import Settings
from projections.views import dead_letters
from stream_processors.agents import connect
from stream_processors.partitions import topic
from tests.fsck import check_clean
from tests.integration.stream_processors.conftest import Class, answer, void
from tests.pipeline import Running, log_file, streams

SECONDS = 60.0


def counts(connection: psycopg.Connection[Any]) -> tuple[Any, ...]:
    """Returns count and sum of positions of both streams, and what the folds counted."""
    row = connection.execute(
        "SELECT (SELECT (count(*), sum(position))::text FROM facts),"
        " (SELECT (count(*), sum(position))::text FROM evidence),"
        " (SELECT sum(statements) FROM enrolments), (SELECT sum(statements) FROM work),"
        " (SELECT sum(statements) FROM daily_facts), (SELECT sum(n) FROM abilities)"
    ).fetchone()
    assert row is not None
    return row


def exact(school: Class, statements: int) -> tuple[Any, ...]:
    """Returns what `counts` must be when each statement counts once."""
    with school.services.pool.connection() as connection:
        row = connection.execute(
            "SELECT (count(*), sum(notification_id))::text FROM lrs.stored_events"
            " WHERE topic = 'statement.stored'"
        ).fetchone()
    assert row is not None
    return (row[0], row[0], *[statements] * 4)


def start(name: str, settings: Settings, log_as: str = "") -> subprocess.Popen[bytes]:
    """Starts one more process."""
    with log_file(settings, log_as or name).open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "infra.cli", name, "--data", str(settings.data)],
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def restart(running: Running, name: str, settings: Settings) -> None:
    """Kills a process with -9 and starts it again, as the supervisor does."""
    running.children[name].kill()
    running.children[name].wait()
    running.children[name] = start(name, settings)


def test_killed_in_the_middle_everything_counts_once(school: Class, with_kafka: Settings) -> None:
    with streams(with_kafka) as running, connect(with_kafka) as connection:
        position = school.accept([answer(n) for n in range(1000)])
        running.wait(position, SECONDS)
        for round_, name in enumerate(("worker", "relay", "worker", "relay"), 1):
            school.accept([answer(n) for n in range(round_ * 1000, round_ * 1000 + 500)])
            # In the middle: some of it is applied, not all.
            restart(running, name, with_kafka)
            rest = range(round_ * 1000 + 500, (round_ + 1) * 1000)
            position = school.accept([answer(n) for n in rest])
            running.wait(position, SECONDS)
        assert counts(connection) == exact(school, 5000)
        assert dead_letters.listed(connection) == []
    check_clean(with_kafka)


def test_a_second_worker_comes_and_goes(school: Class, with_kafka: Settings) -> None:
    with streams(with_kafka) as running, connect(with_kafka) as connection:
        for number in range(3):
            school.accept([answer(n) for n in range(number * 900, number * 900 + 300)])
            second = start("worker", with_kafka, f"second{number}")
            try:
                school.accept([answer(n) for n in range(number * 900 + 300, number * 900 + 600)])
                while '"runs"' not in running.log(f"second{number}"):
                    assert second.poll() is None
                    time.sleep(0.05)
                time.sleep(1)  # long enough to be given partitions
                rest = [answer(n) for n in range(number * 900 + 600, number * 900 + 900)]
                position = school.accept(rest)
            finally:
                second.terminate()
                assert second.wait(15) == 0
            running.wait(position, SECONDS)
        assert counts(connection) == exact(school, 2700)


def test_what_the_group_lost_is_read_again(school: Class, with_kafka: Settings) -> None:
    with streams(with_kafka) as running, connect(with_kafka) as connection:
        running.wait(school.accept([answer(n) for n in range(100)]), SECONDS)
        running.children.pop("worker").kill()
        school.accept([answer(n) for n in range(100, 400)])
        until = time.monotonic() + SECONDS
        while connection.execute("SELECT position FROM streams.relay").fetchone() != (
            school.services.store.last(),
        ):
            assert time.monotonic() < until
            time.sleep(0.05)
        time.sleep(7)  # until the group has forgotten the worker
        asyncio.run(skip_to_end(with_kafka))
        running.children["worker"] = start("worker", with_kafka, "other")
        running.wait(school.services.store.last(), SECONDS)
        running.wait(school.accept([answer(n) for n in range(400, 500)]), SECONDS)
        assert counts(connection) == exact(school, 500)
        assert "read past Faust" in running.log("other")


async def skip_to_end(settings: Settings) -> None:
    """Makes the worker's group believe that it has read everything."""
    places = [
        TopicPartition(topic(settings.topic_prefix, stream), partition)
        for stream in ("facts", "evidence")
        for partition in range(settings.kafka_partitions)
    ]
    async with AIOKafkaConsumer(
        bootstrap_servers=settings.kafka,
        group_id=f"{settings.topic_prefix}.worker",
        enable_auto_commit=False,
    ) as consumer:
        consumer.assign(places)
        await consumer.commit(await consumer.end_offsets(places))


def test_replayed_from_zero_nothing_changes(school: Class, with_kafka: Settings) -> None:
    with streams(with_kafka) as running, connect(with_kafka) as connection:
        running.wait(school.accept([answer(n) for n in range(600)]), SECONDS)
        before = counts(connection)
        # The relay sends all of it once more, as after the loss of its cursor.
        connection.execute("DELETE FROM streams.relay")
        connection.execute("DELETE FROM streams.chains")
        restart(running, "relay", with_kafka)
        running.wait(school.accept([answer(n) for n in range(600, 700)]), SECONDS)
        assert before == exact_of(before, 600)
        assert counts(connection) == exact(school, 700)


def exact_of(found: tuple[Any, ...], statements: int) -> tuple[Any, ...]:
    """Returns `found` with what the folds must have counted."""
    return (*found[:2], *[statements] * 4)


def test_voids_reach_the_views_before_or_after_their_target(
    school: Class, with_kafka: Settings
) -> None:
    with streams(with_kafka) as running, connect(with_kafka) as connection:
        school.accept([void(7), *(answer(n) for n in range(20)), void(3)])
        position = school.accept([void(11), void(12), answer(20), void(20)])
        running.wait(position, SECONDS)
        assert counts(connection)[2:] == (16, 16, 16, 16)


def test_foreign_bytes_stop_nobody(school: Class, with_kafka: Settings) -> None:
    with streams(with_kafka) as running, connect(with_kafka) as connection:
        running.wait(school.accept([answer(n) for n in range(100)]), SECONDS)
        for junk in (b"Amina Otieno", b"", b'{"kind":"fact","position":-1}'):
            asyncio.run(produce(with_kafka, 1, junk))
        running.wait(school.accept([answer(n) for n in range(100, 200)]), SECONDS)
        assert counts(connection) == exact(school, 200)
        published = asyncio.run(asyncio.wait_for(dead_topic(with_kafka, 3), 20))
        assert len(dead_letters.listed(connection)) == 3
        assert not any(b"Amina" in message for message in published)
        assert "Amina" not in running.log("worker")


async def produce(settings: Settings, partition: int, junk: bytes) -> None:
    """Puts foreign bytes into the facts topic."""
    async with AIOKafkaProducer(bootstrap_servers=settings.kafka) as producer:
        name = topic(settings.topic_prefix, "facts")
        await producer.send_and_wait(name, junk, partition=partition)


async def dead_topic(settings: Settings, wanted: int) -> list[bytes]:
    """Returns what stands in the dead-letter topic, waiting for `wanted` messages."""
    place = TopicPartition(topic(settings.topic_prefix, "dead-letters"), 0)
    async with AIOKafkaConsumer(bootstrap_servers=settings.kafka) as consumer:
        consumer.assign([place])
        await consumer.seek_to_beginning(place)
        return [(await consumer.getone()).value for _ in range(wanted)]
