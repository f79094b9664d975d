"""Far more callers than capacity, as the API process serves them: 200 or 503, and nothing else.

No answer may be a broken connection or come too late: clients here give up after a while that is
longer than any request may wait, and shorter than a queue without an end would take.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier

import psycopg
import pytest

from infra.local.postgres import Postgres
from lrs.settings import Settings
from tests.conftest import started
from tests.integration.api.statements import statement
from tests.server import Answer, Client, Server, issued
from tests.waiting import until

XAPI = "/xapi/statements"
CALLERS, EACH = 120, 3
PATIENCE = 8.0
TINY = {
    "api_workers": 1,
    "api_threads": 16,
    "max_concurrent": 4,
    "live_streams": 0,
    "pool_size": 2,
    "pool_timeout": 0.5,
}


@pytest.fixture(scope="module")
def settings(settings_apart: Settings) -> Settings:
    """Settings of a process with hardly any room."""
    return settings_apart.model_copy(update=TINY)


@pytest.fixture(scope="module")
def caller(settings: Settings) -> Iterator[Callable[[], Client]]:
    """Makes clients of a running server."""
    _, key, secret = issued(settings)
    with started(Server(settings)) as server:
        yield lambda: Client(server.port, key, secret, timeout=PATIENCE)


def store(client: Client) -> Answer:
    return client.ask("POST", XAPI, statement())


def read(client: Client) -> Answer:
    return client.ask("GET", f"{XAPI}?limit=5")


def crowd(caller: Callable[[], Client], ask: Callable[[Client], Answer]) -> list[Answer]:
    """Returns what all callers were answered, who began at once; a broken connection raises."""
    meeting = Barrier(CALLERS)

    def one(_: int) -> list[Answer]:
        client = caller()
        meeting.wait()
        return [ask(client) for _ in range(EACH)]

    with ThreadPoolExecutor(CALLERS) as threads:
        found = [answer for answers in threads.map(one, range(CALLERS)) for answer in answers]
    for answer in found:
        assert answer.status in (200, 503), answer.body
        if answer.status == 503:
            assert int(answer.headers["retry-after"]) >= 1
            assert answer.json["error"]
    return found


@contextmanager
def locked(settings: Settings, command: str) -> Iterator[None]:
    with psycopg.connect(settings.admin_dsn) as admin:
        admin.execute(command.encode())
        yield


def test_a_crowd_is_served_or_sent_away(caller: Callable[[], Client]) -> None:
    for ask in (store, read):
        found = crowd(caller, ask)
        assert any(answer.status == 200 for answer in found)
    assert store(caller()).status == read(caller()).status == 200


@pytest.mark.parametrize(
    ("command", "ask"),
    [
        ("SELECT pg_advisory_xact_lock(7001)", store),
        ("LOCK TABLE lrs.postings IN ACCESS EXCLUSIVE MODE", read),
    ],
)
def test_while_the_database_stands_still(
    settings: Settings,
    caller: Callable[[], Client],
    command: str,
    ask: Callable[[Client], Answer],
) -> None:
    """Writers, or readers, wait for a lock; health is answered meanwhile."""
    assert ask(caller()).status == 200
    with locked(settings, command):
        assert {answer.status for answer in crowd(caller, ask)} == {503}
        assert caller().ask("GET", "/health/live").status == 200
    assert ask(caller()).status == 200


def test_while_the_database_is_dead_and_afterwards(
    own_postgres: Postgres, caller: Callable[[], Client]
) -> None:
    assert store(caller()).status == 200
    running = own_postgres.child.process
    assert running is not None
    running.kill()
    running.wait()
    for ask in (store, read):
        assert {answer.status for answer in crowd(caller, ask)} == {503}
    assert caller().ask("GET", "/health/live").status == 200
    own_postgres.start()
    client = caller()
    until(lambda: store(client).status == 200, 60)
    assert read(client).status == 200
