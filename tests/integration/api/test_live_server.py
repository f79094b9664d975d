"""The live stream as the API process serves it: it leaves threads for others, and lets go."""

from collections.abc import Iterator
from contextlib import closing
from time import monotonic
from uuid import UUID

import pytest

from api.services import Services
from domain.credentials import Credential
from domain.roles import Role
from domain.values.version import Version
from tests.conftest import started
from tests.integration.api.conftest import Caller
from tests.integration.api.statements import statement
from tests.integration.api.test_live import Reader
from tests.server import Client, Server
from tests.waiting import until

STREAMS = 3


@pytest.fixture
def server(services: Services) -> Iterator[Server]:
    """The API process: six threads, three of them for streams."""
    small = {"api_workers": 1, "api_threads": 6, "live_streams": 100}
    with started(Server(services.settings, **small)) as made:
        yield made


@pytest.fixture
def writer(institution: UUID, tool: Caller) -> Credential:
    """Who stores statements here."""
    return Credential(tool.key, institution, "tool", frozenset({Role.TOOL}))


def test_events_come_at_once_and_threads_are_left_for_others(
    server: Server, services: Services, writer: Credential, tool: Caller
) -> None:
    """And a stop takes seconds, however many streams are open."""
    readers = [Reader(server.port, tool) for _ in range(STREAMS)]
    assert [reader.response.status for reader in readers] == [200] * STREAMS
    with closing(Reader(server.port, tool)) as refused:
        assert refused.response.status == 503
    for _ in range(20):
        assert Client(server.port).ask("GET", "/health/live").status == 200
    for _ in range(3):
        sent = statement()
        services.statements.accept(writer, [sent], Version.V2_0_0)
        began = monotonic()
        assert [(reader.next() or {})["id"] for reader in readers] == [sent["id"]] * STREAMS
        assert monotonic() - began < 2
    began = monotonic()
    server.stop()
    assert monotonic() - began < 10
    for reader in readers:
        reader.close()


def test_who_hung_up_is_noticed_by_the_next_event(
    server: Server, services: Services, writer: Credential, tool: Caller
) -> None:
    for reader in [Reader(server.port, tool) for _ in range(STREAMS)]:
        assert reader.response.status == 200
        reader.close()

    def free() -> bool:
        services.statements.accept(writer, [statement()], Version.V2_0_0)
        with closing(Reader(server.port, tool)) as reader:
            return bool(reader.response.status == 200)

    until(free)
