"""The embedded Kafka: topics as we want them, and what was acknowledged survives its death."""

import asyncio
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from infra.local import kafka_jars
from infra.local.kafka import Kafka
from infra.topics import WrongPartitions, ensure_topics
from lrs.settings import Settings


def test_topics_are_made_once_with_fixed_partitions(kafka: Kafka, topic_prefix: str) -> None:
    settings = Settings(kafka=kafka.bootstrap, topic_prefix=topic_prefix, kafka_partitions=3)
    ensure_topics(settings)
    ensure_topics(settings)
    with pytest.raises(WrongPartitions):
        ensure_topics(settings.model_copy(update={"kafka_partitions": 4}))

    async def partitions() -> dict[str, int]:
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
        await admin.start()
        names = [f"{topic_prefix}.facts", f"{topic_prefix}.dead-letters"]
        described = await admin.describe_topics(names)
        await admin.close()
        return {topic["topic"]: len(topic["partitions"]) for topic in described}

    assert asyncio.run(partitions()) == {
        f"{topic_prefix}.facts": 3,
        f"{topic_prefix}.dead-letters": 1,
    }


def test_acknowledged_messages_survive_a_kill(tmp_path: Path) -> None:
    broker = Kafka(tmp_path / "kafka")
    broker.start()
    settings = Settings(kafka=broker.bootstrap, kafka_partitions=1)
    ensure_topics(settings)

    async def send() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap, acks="all")
        await producer.start()
        for number in range(50):
            await producer.send_and_wait("kumbuka.facts", str(number).encode())
        await producer.stop()

    async def receive() -> list[int]:
        consumer = AIOKafkaConsumer(
            "kumbuka.facts", bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest"
        )
        await consumer.start()
        numbers = [int((await consumer.getone()).value) for _ in range(50)]
        await consumer.stop()
        return numbers

    try:
        asyncio.run(send())
        assert broker.child.process is not None
        broker.child.process.kill()
        broker.child.process.wait()
        broker = Kafka(tmp_path / "kafka", broker.port)
        broker.start()
        assert asyncio.run(receive()) == list(range(50))
    finally:
        broker.stop()


def test_an_incomplete_folder_of_jars_is_noticed(tmp_path: Path) -> None:
    assert not kafka_jars.present(tmp_path)
    whole = kafka_jars.ensure()
    for jar in whole.iterdir():
        (tmp_path / jar.name).symlink_to(jar)
    assert kafka_jars.present(tmp_path)
    next(tmp_path.glob("snappy*.jar")).unlink()
    assert not kafka_jars.present(tmp_path)
