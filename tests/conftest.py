"""The real services for tests: one server of each kind per run, a fresh database per module.

No fakes: a test that asks for `settings` gets a migrated Postgres database of its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TypeVar
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from infra.local.clickhouse import ClickHouse
from infra.local.kafka import Kafka
from infra.local.postgres import ADMIN, Postgres
from infra.migrations import migrate
from lrs.settings import Settings

TEMPLATE = "kumbuka_template"


class Startable(Protocol):
    """A server that runs from `start` to `stop`."""

    def start(self) -> None: ...
    def stop(self) -> None: ...


S = TypeVar("S", bound=Startable)


@contextmanager
def started(server: S) -> Iterator[S]:
    """Runs a server for as long as it is used."""
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A running PostgreSQL server, durable as in production."""
    with started(Postgres(tmp_path_factory.mktemp("postgres"))) as server:
        yield server


@pytest.fixture(scope="module")
def own_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A server that nobody else minds, whatever this module does to it."""
    with started(Postgres(tmp_path_factory.mktemp("own"))) as server:
        yield server


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """A running Kafka broker. Isolate tests by `topic_prefix`."""
    with started(Kafka(tmp_path_factory.mktemp("kafka"))) as broker:
        yield broker


@pytest.fixture(scope="session")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    """A running ClickHouse engine."""
    with started(ClickHouse(tmp_path_factory.mktemp("clickhouse"))) as engine:
        yield engine


@pytest.fixture
def topic_prefix() -> str:
    """A prefix of topics and groups that no other test uses."""
    return f"test-{uuid4().hex}"


def migrated(postgres: Postgres, data: Path) -> str:
    """Returns the name of a database that was migrated; others can be copies of it."""
    with psycopg.connect(postgres.dsn_of(ADMIN, "postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
    migrate(Settings(data=data, **postgres.dsns(TEMPLATE)))
    return TEMPLATE


@pytest.fixture(scope="session")
def template(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Name of a database that was migrated once; the others are copies of it."""
    return migrated(postgres, tmp_path_factory.mktemp("template"))


def fresh_database(postgres: Postgres, template: str, data: Path) -> Settings:
    """Returns settings with a migrated, empty database of their own."""
    name = f"test_{uuid4().hex}"
    with psycopg.connect(postgres.dsn_of(ADMIN, "postgres"), autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
    return Settings(data=data, **postgres.dsns(name))


def drop_database(postgres: Postgres, settings: Settings) -> None:
    """Drops the database of `settings`, ending what is still connected to it."""
    name = settings.admin_dsn.rsplit("/", 1)[1]
    with psycopg.connect(postgres.dsn_of(ADMIN, "postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="module")
def settings(
    postgres: Postgres, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    """Settings with a migrated database and a key folder that this module's tests share."""
    made = fresh_database(postgres, template, tmp_path_factory.mktemp("data"))
    yield made
    drop_database(postgres, made)


@pytest.fixture(scope="module")
def settings_apart(own_postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings with a migrated database on the server that nobody else minds."""
    data = tmp_path_factory.mktemp("apart")
    return fresh_database(own_postgres, migrated(own_postgres, data), data)


@pytest.fixture
def own_settings(postgres: Postgres, template: str, tmp_path: Path) -> Iterator[Settings]:
    """Settings with a migrated database and a key folder for one test alone."""
    made = fresh_database(postgres, template, tmp_path)
    yield made
    drop_database(postgres, made)
