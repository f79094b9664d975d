"""What `/health/ready` and `/metrics` say of shards, whichever of them is away."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask

from api.app import create_app
from api.services import Services
from domain.credentials import Credential
from domain.placements import HOME
from lrs import shards
from lrs.settings import Settings
from tests.integration.moves.conftest import OTHER, Deployment, send

PARTS = {"postgres", "keystore", "relay", "views"}


@contextmanager
def served(settings: Settings) -> Iterator[Flask]:
    services = Services(settings.model_copy(update={"pool_timeout": 0.2}))
    try:
        yield create_app(services)
    finally:
        services.close()


def without(settings: Settings, name: str) -> Settings:
    """Returns settings in which a shard names a database that does not exist."""
    if name == HOME:
        return settings.model_copy(update={"dsn": settings.dsn + "_gone"})
    shard = settings.shards[name]
    gone = shard.model_copy(update={"dsn": shard.dsn + "_gone"})
    return settings.model_copy(update={"shards": {**settings.shards, name: gone}})


def asked(app: Flask, query: str = "") -> tuple[int, Any]:
    response = app.test_client().get(f"/health/ready{query}")
    # Neither where a shard is nor how one comes in.
    assert "postgresql" not in response.text and "lrs_writer" not in response.text
    return response.status_code, response.json


def test_every_shard_is_named(deployment: Deployment) -> None:
    with served(deployment.settings) as app:
        status, told = asked(app)
        assert (status, set(told["shards"])) == (200, {HOME, OTHER})
        assert all(
            shard["up"] and set(shard["parts"]) >= PARTS for shard in told["shards"].values()
        )
        assert set(told["parts"]) == PARTS | {"kafka", "clickhouse"}


@pytest.mark.parametrize(
    ("gone", "status", "word"), [(OTHER, 200, "degraded"), (HOME, 503, "unready")]
)
def test_one_that_is_away(deployment: Deployment, gone: str, status: int, word: str) -> None:
    with served(without(deployment.settings, gone)) as app:
        found, told = asked(app)
        assert (found, told["status"]) == (status, word)
        assert {name: shard["up"] for name, shard in told["shards"].items()} == {
            HOME: gone != HOME,
            OTHER: gone != OTHER,
        }
        assert asked(app, "?all=true")[0] == 503
        page = app.test_client().get("/")
        assert page.status_code == 200 and "shard s2" in page.text


def test_the_lag_of_each_is_measured(deployment: Deployment, tool: Credential) -> None:
    there = shards.at(deployment.settings, OTHER)
    with deployment.other.pool.connection() as connection:
        connection.execute(
            "INSERT INTO views.tracking (stream, partition, position)"
            " SELECT 'facts', n, 0 FROM generate_series(0, %s - 1) n ON CONFLICT DO NOTHING",
            [there.kafka_partitions],
        )
    send(deployment.home, tool, "ada", "ben")
    deployment.move(tool.institution, OTHER)
    for services in (deployment.home, deployment.other):
        services.usage.count()
    with served(deployment.settings) as app:
        told = app.test_client().get("/metrics").text
    assert f'lrs_part_well{{part="postgres",shard="{OTHER}"}} 1.0' in told
    assert 'lrs_part_well{part="kafka",shard=""} 0.0' in told
    last = deployment.other.store.last()
    assert f'lrs_part_behind_events{{part="views",shard="{OTHER}"}} {float(last)}' in told
    # Counted where it lives, not where it was.
    mine = [line for line in told.splitlines() if str(tool.institution) in line]
    assert f'lrs_institution_statements{{institution="{tool.institution}"}} 2.0' in mine
    assert len(mine) == 2


def test_metrics_go_on_without_a_shard(deployment: Deployment, tool: Credential) -> None:
    send(deployment.home, tool, "ada")
    deployment.home.usage.count()
    with served(without(deployment.settings, OTHER)) as app:
        told = app.test_client().get("/metrics").text
    assert f'lrs_part_well{{part="postgres",shard="{OTHER}"}} 0.0' in told
    assert str(tool.institution) in told
