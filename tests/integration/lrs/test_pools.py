"""Waiting for connections: one patience for all waits of a request; none for what is dead."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import psycopg
import pytest
from psycopg_pool import PoolTimeout

from infra.local.process import free_port
from lrs.pools import TRY_SECONDS, Pool, open_pool, patience
from lrs.settings import Settings

SIZE = 2


@pytest.fixture
def pool(settings: Settings) -> Iterator[Pool]:
    """A small pool, whose waits are short."""
    small = settings.model_copy(update={"pool_size": SIZE, "pool_timeout": 0.2})
    with open_pool(small.dsn, small) as made:
        yield made
    patience(None)


def seconds_refused(pool: Pool) -> float:
    began = time.monotonic()
    with pytest.raises(PoolTimeout):
        pool.getconn()
    return time.monotonic() - began


def test_waits_of_a_request_share_its_patience(pool: Pool) -> None:
    with ExitStack() as held:
        for _ in range(SIZE):
            held.enter_context(pool.connection())
        patience(0.3)
        assert sum(seconds_refused(pool) for _ in range(50)) < 25 * pool.timeout
        patience(None)
        assert seconds_refused(pool) >= pool.timeout
    patience(0.0)
    with pool.connection() as free:  # who may not wait gets what is free
        assert free.execute("SELECT 1").fetchone() == (1,)


def test_patience_is_of_one_thread(pool: Pool) -> None:
    with ExitStack() as held, ThreadPoolExecutor(1) as other:
        for _ in range(SIZE):
            held.enter_context(pool.connection())
        patience(0.0)
        assert other.submit(seconds_refused, pool).result() >= pool.timeout


def test_a_lock_is_waited_for_no_longer_than_is_set(settings: Settings) -> None:
    impatient = settings.model_copy(update={"lock_timeout": 1.5})
    with open_pool(impatient.dsn, impatient) as made, made.connection() as connection:
        assert connection.execute("SHOW lock_timeout").fetchone() == ("1500ms",)


def test_a_dead_database_is_asked_once_a_second(settings: Settings) -> None:
    """However many ask, and however long: those who gave up are not counted as waiting."""
    dead = f"postgresql://nobody:nothing@127.0.0.1:{free_port()}/nothing"
    with open_pool(dead, settings.model_copy(update={"pool_timeout": 0.1})) as made:
        until = time.monotonic() + 4 * TRY_SECONDS
        while not made._away:
            seconds_refused(made)
            assert time.monotonic() < until
        seconds_refused(made)
        asked = made.get_stats()["requests_num"]
        for _ in range(50):
            seconds_refused(made)
        assert made.get_stats()["requests_num"] - asked <= 1


def test_one_broken_connection_tells_of_all(settings: Settings) -> None:
    """A server that went away took every idle connection with it."""
    with open_pool(settings.dsn, settings) as made:
        with ExitStack() as held:
            several = [held.enter_context(made.connection()) for _ in range(SIZE + 2)]
            backends = [one.info.backend_pid for one in several]
        with psycopg.connect(settings.admin_dsn, autocommit=True) as admin:
            admin.execute("SELECT pg_terminate_backend(p) FROM unnest(%s::int[]) p", [backends])
        with pytest.raises(psycopg.OperationalError), made.connection() as connection:
            connection.execute("SELECT 1")
        for _ in range(2 * len(backends)):
            with made.connection() as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)
