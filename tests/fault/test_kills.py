"""kill -9 of Postgres and of the API, at random moments under load.

Batches come over some connections and single statements over many, which the store commits in
groups; documents are replaced meanwhile. What was acknowledged is there afterwards, no batch is
there by half, positions are in order, and clients see nothing but broken connections and 503.
"""

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from http.client import HTTPException
from threading import Event
from typing import Any
from urllib.parse import urlencode

import psutil
import pytest

from infra.local.postgres import Postgres
from lrs.services import open_services
from lrs.settings import Settings
from tests.fault.conftest import Running
from tests.fault.load import (
    Writer,
    batch,
    check_store,
    places,
    read,
    rows,
    statement,
    statuses_of,
    under_load,
)
from tests.server import Answer, Client, Server
from tests.waiting import until

BATCHES, SINGLES = 4, 24
BATCH = 20
SEED = 1
DOCUMENT = "/xapi/activities/state?" + urlencode(
    {
        "stateId": "count",
        "activityId": "https://courses.example/a",
        "agent": '{"mbox":"mailto:learner0@students.example"}',
    }
)


@pytest.fixture(scope="module")
def settings(settings_apart: Settings) -> Settings:
    """Settings of a database on a server that may be killed."""
    return settings_apart


def write_batches(writer: Writer, number: int, stop: Event) -> None:
    """Sends until told to stop; what failed is sent again, as it was, half of the time."""
    chance = random.Random(number)
    while not stop.is_set():
        count = len(writer.sent)
        one = writer.send(batch(chance, f"{number}/{count}", count, BATCH))
        again = chance.random() < 0.5
        while again and not one.acknowledged and not stop.is_set():
            time.sleep(0.1)
            writer.again(one)


def write_singles(writer: Writer, number: int, stop: Event) -> None:
    """Sends one statement after the other; what failed is left as it is: there, or not."""
    chance = random.Random(number)
    while not stop.is_set():
        if not writer.send([statement(chance, f"{number}/{len(writer.sent)}")]).acknowledged:
            time.sleep(0.1)


@dataclass
class Counted:
    """A document whose content counts up; `tried` is the last that may be there."""

    client: Client
    kept: int = 0
    tried: int = 0
    statuses: Counter[int] = field(default_factory=Counter)

    def write(self, stop: Event) -> None:
        """Puts the next number until told to stop."""
        while not stop.is_set():
            self.tried += 1
            try:
                status = self.client.ask("PUT", DOCUMENT, {"count": self.tried}, If_Match="*")
            except (OSError, HTTPException):
                time.sleep(0.1)
                continue
            self.statuses[status.status] += 1
            if status.status == 204:
                self.kept = self.tried

    def start(self) -> None:
        """Makes the document."""
        answer = self.client.ask("PUT", DOCUMENT, {"count": 0}, If_None_Match="*")
        assert answer.status == 204, answer.body

    def check(self, reader: Client) -> None:
        """Checks that it is what was acknowledged last, or was sent after that."""
        assert self.kept > 0
        assert self.kept <= reader.ask("GET", DOCUMENT).json["count"] <= self.tried


POOLS = 4
"""Of statements and of keys, in each of two processes."""


@dataclass
class Returning(Client):
    """Reads once the load is over. A pool learns from one request that the server it was connected
    to is gone, and refuses that one: so often, and no more, this comes again.
    """

    stale: int = 0

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Returns the answer."""
        answer = super().ask(method, path, body, **headers)
        while answer.status == 503 and self.stale > 0:
            self.stale -= 1
            answer = super().ask(method, path, body, **headers)
        return answer


Kill = Callable[[Postgres, Server], None]


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


SLOW = [pytest.mark.slow, pytest.mark.timeout(3600)]


@pytest.mark.parametrize(
    ("kills", "times"),
    [
        pytest.param((kill_postgres, kill_api, kill_worker), 5, id="each"),
        pytest.param((kill_postgres,), 50, marks=SLOW, id="postgres"),
        pytest.param((kill_api, kill_worker), 50, marks=SLOW, id="api"),
    ],
)
def test_killed_under_load(
    running: Running,
    own_postgres: Postgres,
    settings: Settings,
    kills: tuple[Kill, ...],
    times: int,
) -> None:
    chance = random.Random(SEED)
    before = rows(settings)
    batches = [Writer(running.client()) for _ in range(BATCHES)]
    singles = [Writer(running.client()) for _ in range(SINGLES)]
    document = Counted(running.client())
    document.start()
    answers: Counter[int] = Counter()
    works = [
        *(partial(write_batches, writer, n) for n, writer in enumerate(batches)),
        *(partial(write_singles, writer, n) for n, writer in enumerate(singles, BATCHES)),
        document.write,
        partial(read, running.client(), answers),
    ]
    with under_load(works):
        for number in range(times):
            time.sleep(0.3 + chance.random())
            kills[number % len(kills)](own_postgres, running.server)
            for writers in (batches, singles):
                until_served(writers)
    writers = [*batches, *singles]
    sent = [one for writer in writers for one in writer.sent]
    answers += statuses_of(writers)
    assert set(answers) <= {200, 503}, answers
    assert set(document.statuses) <= {204, 503}, document.statuses
    # Without the API a connection breaks; without Postgres the API says when to come back.
    assert sum(writer.broken for writer in writers) + answers[503] > 0, "nobody noticed"
    # Contents whose documents were never written go, and no others.
    services = open_services(settings)
    services.contents.sweep(timedelta())
    services.close()
    back = Returning(running.server.port, running.key, running.secret, stale=POOLS)
    document.check(back)
    there = check_store(back, sent)
    assert [now - then for now, then in zip(rows(settings), before, strict=True)] == [there] * 3
    found = [places(settings, running.institution, writer) for writer in writers]
    for one in found:
        positions = [place.position for place in one]
        assert positions == sorted(positions), "answered first, but stands behind"
    groups = Counter(place.transaction for one in found[len(batches) :] for place in one)
    assert max(groups.values()) > 1, "no statement was committed with another"


def until_served(writers: list[Writer]) -> None:
    """Waits until some requests were acknowledged after now: the service is back by itself."""
    since = acknowledged(writers)
    until(lambda: acknowledged(writers) >= since + 3)


def acknowledged(writers: list[Writer]) -> int:
    """Returns how many requests were acknowledged so far."""
    return sum(one.acknowledged for writer in writers for one in list(writer.sent))
