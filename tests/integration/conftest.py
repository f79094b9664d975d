"""The record store over a real database, and over a broker beside it."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from infra.local.kafka import Kafka
from lrs.services import Services, open_services
from lrs.settings import Settings


@pytest.fixture(scope="module")
def services(settings: Settings) -> Iterator[Services]:
    """Services over this module's database."""
    with closing(open_services(settings)) as opened:
        yield opened


@pytest.fixture
def with_kafka(own_settings: Settings, kafka: Kafka, topic_prefix: str) -> Settings:
    """Settings of an empty store beside a broker."""
    update = {"kafka": kafka.bootstrap, "topic_prefix": topic_prefix, "kafka_partitions": 4}
    return own_settings.model_copy(update=update)


@pytest.fixture
def services_with_kafka(with_kafka: Settings) -> Iterator[Services]:
    """Services over that store."""
    with closing(open_services(with_kafka)) as opened:
        yield opened
