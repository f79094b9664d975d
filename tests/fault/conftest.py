"""A server for the tests of each module here, a tool's credential for each test, and the check that
each ends with.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import pytest

from lrs.settings import Settings
from tests.conftest import started
from tests.fsck import check_clean
from tests.server import Client, Server, issued


@dataclass
class Running:
    """A server, and how to come in."""

    server: Server
    institution: UUID
    key: str
    secret: str

    def client(self) -> Client:
        """Returns a client for one thread."""
        return Client(self.server.port, self.key, self.secret)


@pytest.fixture(scope="module")
def server(settings: Settings) -> Iterator[Server]:
    """`lrs api` as it is by default."""
    with started(Server(settings)) as made:
        yield made


@pytest.fixture
def running(server: Server, settings: Settings) -> Running:
    """The server, and a tool of an institution that has nothing yet."""
    return Running(server, *issued(settings))


@pytest.fixture(autouse=True)
def agreeing(settings: Settings) -> Iterator[None]:
    """Whatever a test did: log, index, documents and keys agree in the end."""
    yield
    check_clean(settings)
