"""A server for the tests of each module here, and a tool's credential for each test."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from lrs.settings import Settings
from tests.server import Client, Server, issued


@dataclass
class Running:
    """A server, and how to come in."""

    server: Server
    key: str
    secret: str

    def client(self) -> Client:
        """Returns a client for one thread."""
        return Client(self.server.port, self.key, self.secret)


@pytest.fixture(scope="module")
def server(settings: Settings) -> Iterator[Server]:
    """`lrs api` as it is by default."""
    made = Server(settings)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def running(server: Server, settings: Settings) -> Running:
    """The server, and a tool of an institution that has nothing yet."""
    _, key, secret = issued(settings)
    return Running(server, key, secret)
