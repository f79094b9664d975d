"""kill -9 of Postgres and of the API, at random moments under load.

What was acknowledged is there afterwards, no batch is there by half, and clients see nothing but
broken connections and 503.
"""

import random
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from http.client import HTTPException
from threading import Event, Thread

import psutil
import pytest

from infra.local.postgres import ADMIN, KEYS, WRITER, Postgres
from infra.migrations import migrate
from lrs.settings import Settings
from tests.fault.conftest import Running
from tests.fault.load import (
    XAPI,
    Writer,
    check_store,
    reference,
    rows,
    run_all,
    statement,
)
from tests.server import Client, Server

WRITERS = 8
BATCH = 20
SEED = 1


@pytest.fixture(scope="module")
def own_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A server that nobody else minds."""
    made = Postgres(tmp_path_factory.mktemp("killed"))
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def settings(own_postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of a migrated database on it."""
    made = Settings(
        data=tmp_path_factory.mktemp("data"),
        dsn=own_postgres.dsn_of(WRITER),
        admin_dsn=own_postgres.dsn_of(ADMIN),
        keystore_dsn=own_postgres.dsn_of(KEYS),
        keystore_admin_dsn=own_postgres.dsn_of(ADMIN),
    )
    migrate(made)
    return made


def write(writer: Writer, number: int, stop: Event) -> None:
    """Sends until told to stop; what failed is sent again, as it was, half of the time."""
    chance = random.Random(number)
    while not stop.is_set():
        count = len(writer.sent)
        batch = [statement(chance, f"{number}/{count}") for _ in range(BATCH)]
        if count % 4 == 3:
            batch.append(
                reference(chance, f"{number}/{count}", batch[0]["id"], void=count % 8 == 7)
            )
        one = writer.send(batch)
        again = chance.random() < 0.5
        while again and not one.acknowledged and not stop.is_set():
            time.sleep(0.1)
            writer.again(one)


def read(client: Client, statuses: Counter[int], stop: Event) -> None:
    """Reads pages until told to stop; counts what is answered."""
    while not stop.is_set():
        try:
            statuses[client.ask("GET", f"{XAPI}?limit=10").status] += 1
        except (OSError, HTTPException):
            time.sleep(0.05)


def kill_postgres(postgres: Postgres, server: Server) -> None:
    """Ends the server with -9, waits until its backends have noticed, starts it anew."""
    top = psutil.Process(postgres.pid)
    backends = top.children(recursive=True)
    top.kill()
    assert postgres.child.process is not None
    postgres.child.process.wait()
    psutil.wait_procs(backends, timeout=30)
    postgres.start()


def kill_api(postgres: Postgres, server: Server) -> None:
    """Ends the API with -9, all its processes, and starts it anew."""
    server.kill()
    server.start()


def kill_worker(postgres: Postgres, server: Server) -> None:
    """Ends only the API's worker with -9; its parent ends then, and is started anew."""
    server.processes()[-1].kill()
    assert server.child is not None
    server.child.wait(20)
    server.start()


KILLS = (kill_postgres, kill_api, kill_worker)


SLOW = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.mark.parametrize("times", [5, pytest.param(50, marks=SLOW)])
def test_killed_under_load(
    running: Running, own_postgres: Postgres, settings: Settings, times: int
) -> None:
    chance = random.Random(SEED)
    before = rows(settings)
    writers = [Writer(running.client()) for _ in range(WRITERS)]
    stop = Event()
    works = [partial(write, writer, number, stop) for number, writer in enumerate(writers)]
    answers: Counter[int] = Counter()
    works.append(partial(read, running.client(), answers, stop))
    load = Thread(target=run_all, args=(works,), daemon=True)
    load.start()
    try:
        for number in range(times):
            time.sleep(0.3 + chance.random())
            KILLS[number % len(KILLS)](own_postgres, running.server)
            until_served(writers)
    finally:
        stop.set()
        load.join(60)
    sent = [one for writer in writers for one in writer.sent]
    answers.update(answer.status for one in sent for answer in one.answers)
    assert set(answers) <= {200, 503}, answers
    assert sum(writer.broken for writer in writers) > 0
    there = check_store(running.client(), sent)
    assert [now - then for now, then in zip(rows(settings), before, strict=True)] == [there] * 3


def until_served(writers: list[Writer], seconds: float = 30.0) -> None:
    """Waits until a batch was acknowledged after now: the service is back by itself."""
    since = sum(one.acknowledged for writer in writers for one in list(writer.sent))
    until = time.monotonic() + seconds
    while sum(one.acknowledged for writer in writers for one in list(writer.sent)) < since + 3:
        assert time.monotonic() < until, "not back"
        time.sleep(0.05)
