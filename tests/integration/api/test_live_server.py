"""The live stream as the API process serves it: it leaves threads for others, and lets go."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from signal import SIGTERM
from socket import socket
from time import monotonic, sleep
from uuid import UUID

import pytest

from api.services import Services
from domain.credentials import Credential
from domain.roles import Role
from domain.values.version import Version
from tests.integration.api.conftest import Caller
from tests.integration.api.statements import statement
from tests.integration.api.test_live import Reader

STREAMS = 3


@pytest.fixture
def process(services: Services) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The API process and its port: six threads, three of them for streams."""
    with closing(socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = services.settings
    given = {
        "LRS_DATA": str(settings.data),
        "LRS_DSN": settings.dsn,
        "LRS_KEYSTORE_DSN": settings.keystore_dsn,
        "LRS_PORT": str(port),
        "LRS_API_WORKERS": "1",
        "LRS_API_THREADS": "6",
        "LRS_LIVE_STREAMS": "100",
    }
    running = subprocess.Popen(
        [sys.executable, "-m", "infra.cli", "api"],
        env={**os.environ, **given},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    end = monotonic() + 30
    while status(port) != 200:
        assert monotonic() < end
        sleep(0.1)
    yield running, port
    if running.poll() is None:
        running.send_signal(SIGTERM)
        running.wait(20)


def status(port: int) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health/live")
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


@pytest.fixture
def writer(institution: UUID, tool: Caller) -> Credential:
    """Who stores statements here."""
    return Credential(tool.key, institution, "tool", frozenset({Role.TOOL}))


def test_events_come_at_once_and_threads_are_left_for_others(
    process: tuple[subprocess.Popen[bytes], int],
    services: Services,
    writer: Credential,
    tool: Caller,
) -> None:
    """And a stop takes seconds, however many streams are open."""
    running, port = process
    readers = [Reader(port, tool) for _ in range(STREAMS)]
    assert [reader.response.status for reader in readers] == [200] * STREAMS
    with closing(Reader(port, tool)) as refused:
        assert refused.response.status == 503
    assert all(status(port) == 200 for _ in range(20))
    for _ in range(3):
        sent = statement()
        services.statements.accept(writer, [sent], Version.V2_0_0)
        began = monotonic()
        assert [(reader.next() or {})["id"] for reader in readers] == [sent["id"]] * STREAMS
        assert monotonic() - began < 2
    began = monotonic()
    running.send_signal(SIGTERM)
    running.wait(20)
    assert monotonic() - began < 10
    for reader in readers:
        reader.close()


def test_who_hung_up_is_noticed_by_the_next_event(
    process: tuple[subprocess.Popen[bytes], int],
    services: Services,
    writer: Credential,
    tool: Caller,
) -> None:
    _, port = process
    for reader in [Reader(port, tool) for _ in range(STREAMS)]:
        assert reader.response.status == 200
        reader.close()
    end = monotonic() + 10
    while True:
        services.statements.accept(writer, [statement()], Version.V2_0_0)
        with closing(Reader(port, tool)) as reader:
            if reader.response.status == 200:
                break
        assert monotonic() < end
        sleep(0.3)
