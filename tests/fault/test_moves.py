"""A move under load over HTTP: nothing lost, nothing doubled, reads throughout, others untouched;
and with -9 for whoever moves.
"""

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from functools import partial
from threading import Event
from uuid import UUID

import pytest

from lrs import shards
from lrs.queries import Filter
from lrs.services import open_services
from lrs.settings import Settings, Shard
from tests.conftest import started
from tests.fault.load import XAPI, Writer, batch, check_store, read, statuses_of, under_load
from tests.fsck import check_clean
from tests.server import Client, Server, issued

OTHER = "s2"
WRITERS = 4
BATCH = 20
LONGEST = 300.0
"""Seconds of a move; a tenth of it is usual on 2 cores."""


@pytest.fixture(scope="module")
def settings(settings: Settings, settings_apart: Settings) -> Settings:
    """Settings with two shards on two servers."""
    other = Shard.model_validate(settings_apart.model_dump(include=set(Shard.model_fields)))
    return settings.model_copy(update={"shards": {OTHER: other}})


def write(writer: Writer, number: int, stop: Event) -> None:
    """Sends until told to stop, each batch again until it is acknowledged."""
    chance = random.Random(number)
    while not stop.is_set():
        count = len(writer.sent)
        one = writer.send(batch(chance, f"{number}/{count}", count, BATCH))
        while not one.acknowledged and not stop.is_set():
            time.sleep(0.05)
            writer.again(one)
        time.sleep(0.1)


def moving(settings: Settings, institution: UUID, *how: str) -> subprocess.Popen[bytes]:
    """Starts `lrs institutions move` as a process of its own."""
    command = [sys.executable, "-X", "faulthandler", "-m", "infra.cli", "institutions", "move"]
    with (settings.data / "move.log").open("ab") as log:
        return subprocess.Popen(
            [*command, str(institution), *how, "--data", str(settings.data)], stderr=log
        )


def done(settings: Settings, mover: subprocess.Popen[bytes]) -> None:
    """Waits until the move is done; one that hangs says where before it is ended."""
    try:
        status = mover.wait(LONGEST)
    except subprocess.TimeoutExpired:
        mover.send_signal(signal.SIGABRT)
        status = mover.wait()
    assert status == 0, (settings.data / "move.log").read_text()[-5000:]


def stored(client: Client) -> dict[str, str]:
    """Returns `stored` of every statement."""
    return {found["id"]: found["stored"] for found in client.pages(f"{XAPI}?limit=500")}


def test_moved_and_killed_under_load(settings: Settings) -> None:
    # Two workers: each has to hear of the move by itself.
    with started(Server(settings, api_workers=2)) as server:
        institution, *pair = issued(settings)
        _, *others = issued(settings)
        writers = [Writer(Client(server.port, *pair)) for _ in range(WRITERS)]
        bystander = Writer(Client(server.port, *others))
        answers: Counter[int] = Counter()
        works = [partial(write, writer, number) for number, writer in enumerate(writers)]
        works.append(partial(write, bystander, WRITERS))
        works.append(partial(read, Client(server.port, *pair), answers))
        with under_load(works):
            chance = random.Random(1)
            time.sleep(1.0)
            before = stored(Client(server.port, *pair))
            for _ in range(3):
                mover = moving(settings, institution, "--to", OTHER)
                time.sleep(1.5 + 2 * chance.random())
                mover.kill()
                mover.wait()
            done(settings, moving(settings, institution, "--to", OTHER))
            time.sleep(0.5)
        assert set(seen := statuses_of(writers)) <= {200, 503}, seen
        assert set(answers) == {200}, answers
        assert set(statuses_of([bystander])) == {200}
        sent = [one for writer in writers for one in writer.sent]
        assert check_store(Client(server.port, *pair), sent) > len(before)
        check_store(Client(server.port, *others), bystander.sent)
        after = stored(Client(server.port, *pair))
        kept = {name: moment for name, moment in before.items() if name in after}
        assert kept == {name: after[name] for name in kept}
        _elsewhere(settings, institution)
        check_clean(settings)


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
