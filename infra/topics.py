"""The Kafka topics of the system, made by an admin call wherever the broker runs.

The facts topic is transport, not archive: pseudonymous messages, kept a week. Its number of
partitions is fixed, because a learner's partition follows from it.
"""

import asyncio

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from lrs.settings import Settings

WEEK_MS = 7 * 24 * 3600 * 1000
DAY_MS = 24 * 3600 * 1000


class WrongPartitions(RuntimeError):
    """The facts topic stands with another number of partitions than the settings say."""


def ensure_topics(settings: Settings, *, replication: int = 1) -> None:
    """Makes the topics that are missing. Raises WrongPartitions for a facts topic that differs."""
    asyncio.run(_ensure(settings, replication))


async def _ensure(settings: Settings, replication: int) -> None:
    facts = f"{settings.topic_prefix}.facts"
    # A segment is deleted only once it is closed, so it closes daily.
    keep = {"retention.ms": str(WEEK_MS), "segment.ms": str(DAY_MS), "cleanup.policy": "delete"}
    wanted = [
        NewTopic(facts, settings.kafka_partitions, replication, topic_configs=keep),
        NewTopic(f"{settings.topic_prefix}.dead-letters", 1, replication, topic_configs=keep),
    ]
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka)
    try:
        await admin.start()
        answer = await admin.create_topics(wanted)
        for name, code, *_ in answer.topic_errors:
            failure = for_code(code)
            if code and failure is not TopicAlreadyExistsError:
                raise failure(name)
        described = await admin.describe_topics([facts])
        partitions = len(described[0]["partitions"])
    finally:
        await admin.close()
    if partitions not in (0, settings.kafka_partitions):
        raise WrongPartitions(
            f"topic {facts} has {partitions} partitions, LRS_KAFKA_PARTITIONS says"
            f" {settings.kafka_partitions}: use another LRS_TOPIC_PREFIX"
        )
