"""The Kafka topics of the system, made by an admin call wherever the broker runs.

Facts (keyed by learner) and evidence (by course) are transport, not archive: pseudonymous messages,
kept a week. Their number of partitions is fixed, because a key's partition follows from it.
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
    keyed = [f"{settings.topic_prefix}.{stream}" for stream in ("facts", "evidence")]
    # A segment is deleted only once it is closed, so it closes daily.
    keep = {"retention.ms": str(WEEK_MS), "segment.ms": str(DAY_MS), "cleanup.policy": "delete"}
    wanted = [
        *(
            NewTopic(name, settings.kafka_partitions, replication, topic_configs=keep)
            for name in keyed
        ),
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
        described = await admin.describe_topics(keyed)
    finally:
        await admin.close()
    for found in described:
        partitions = len(found["partitions"])
        if partitions in (0, settings.kafka_partitions):
            continue
        raise WrongPartitions(
            f"topic {found['topic']} has {partitions} partitions, LRS_KAFKA_PARTITIONS says"
            f" {settings.kafka_partitions}: use another LRS_TOPIC_PREFIX"
        )
