"""A move under load over HTTP: nothing lost, nothing doubled, reads throughout, others untouched;
and with -9 for whoever moves.
"""

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from http.client import HTTPException
from threading import Event, Thread
from uuid import UUID

import pytest

from infra.local.postgres import ADMIN, KEYS, WRITER, Postgres
from infra.migrations import migrate
from lrs import shards
from lrs.queries import Filter
from lrs.services import open_services
from lrs.settings import Settings, Shard
from tests.conftest import drop_database, fresh_database
from tests.fault.load import XAPI, Writer, check_store, reference, run_all, statement
from tests.fsck import check_clean
from tests.server import Client, Server, issued

OTHER = "s2"
WRITERS = 4
BATCH = 20


@pytest.fixture(scope="module")
def second_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """The server of the second shard."""
    made = Postgres(tmp_path_factory.mktemp("second"))
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def settings(
    postgres: Postgres,
    second_postgres: Postgres,
    template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Settings]:
    """Settings with two shards on two servers."""
    other = Shard(
        dsn=second_postgres.dsn_of(WRITER),
        admin_dsn=second_postgres.dsn_of(ADMIN),
        keystore_dsn=second_postgres.dsn_of(KEYS),
        keystore_admin_dsn=second_postgres.dsn_of(ADMIN),
    )
    home = fresh_database(postgres, template, tmp_path_factory.mktemp("data"))
    made = home.model_copy(update={"shards": {OTHER: other}})
    migrate(shards.at(made, OTHER))
    yield made
    drop_database(postgres, home)


def write(writer: Writer, number: int, stop: Event) -> None:
    """Sends until told to stop, each batch again until it is acknowledged."""
    chance = random.Random(number)
    while not stop.is_set():
        count = len(writer.sent)
        batch = [statement(chance, f"{number}/{count}") for _ in range(BATCH)]
        if count % 4 == 3:
            batch.append(
                reference(chance, f"{number}/{count}", batch[0]["id"], void=count % 8 == 7)
            )
        one = writer.send(batch)
        while not one.acknowledged and not stop.is_set():
            time.sleep(0.05)
            writer.again(one)
        time.sleep(0.01)


def read(client: Client, statuses: Counter[int], stop: Event) -> None:
    """Reads pages until told to stop; counts what is answered."""
    while not stop.is_set():
        try:
            statuses[client.ask("GET", f"{XAPI}?limit=10").status] += 1
        except (OSError, HTTPException):
            time.sleep(0.05)


def moving(settings: Settings, institution: UUID, *how: str) -> subprocess.Popen[bytes]:
    """Starts `lrs institutions move` as a process of its own."""
    command = [sys.executable, "-m", "infra.cli", "institutions", "move", str(institution), *how]
    return subprocess.Popen([*command, "--data", str(settings.data)], stderr=subprocess.DEVNULL)


def stored(client: Client) -> dict[str, str]:
    """Returns `stored` of every statement."""
    return {found["id"]: found["stored"] for found in client.pages(f"{XAPI}?limit=500")}


def test_moved_and_killed_under_load(settings: Settings) -> None:
    # Two workers: each has to hear of the move by itself.
    server = Server(settings, api_workers=2)
    server.start()
    try:
        institution, *pair = issued(settings)
        _, *others = issued(settings)
        writers = [Writer(Client(server.port, *pair)) for _ in range(WRITERS)]
        bystander = Writer(Client(server.port, *others))
        answers: Counter[int] = Counter()
        stop = Event()
        works = [partial(write, writer, number, stop) for number, writer in enumerate(writers)]
        works.append(partial(write, bystander, WRITERS, stop))
        works.append(partial(read, Client(server.port, *pair), answers, stop))
        load = Thread(target=run_all, args=(works,), daemon=True)
        load.start()
        try:
            chance = random.Random(1)
            time.sleep(1.0)
            before = stored(Client(server.port, *pair))
            for _ in range(3):
                mover = moving(settings, institution, "--to", OTHER)
                time.sleep(1.5 + 2 * chance.random())
                mover.kill()
                mover.wait()
            assert moving(settings, institution, "--to", OTHER).wait(120) == 0
            time.sleep(0.5)
        finally:
            stop.set()
            load.join(60)
        sent = [one for writer in writers for one in writer.sent]
        seen = Counter(answer.status for one in sent for answer in one.answers)
        assert set(seen) <= {200, 503}, seen
        assert set(answers) == {200}, answers
        assert {a.status for one in bystander.sent for a in one.answers} == {200}
        assert check_store(Client(server.port, *pair), sent) > len(before)
        check_store(Client(server.port, *others), bystander.sent)
        after = stored(Client(server.port, *pair))
        kept = {name: moment for name, moment in before.items() if name in after}
        assert kept == {name: after[name] for name in kept}
        _elsewhere(settings, institution)
        check_clean(settings)
    finally:
        server.stop()


def _elsewhere(settings: Settings, institution: UUID) -> None:
    """Checks that the second server has the statements, and the first none."""
    home = open_services(settings)
    other = open_services(shards.at(settings, OTHER), home)
    try:
        assert not home.queries.page(institution, Filter(), 10, None).statements
        assert other.queries.page(institution, Filter(), 10, None).statements
    finally:
        other.close()
        home.close()
