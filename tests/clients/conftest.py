"""A running server for the clients, and the credentials that they are given."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from lrs.settings import Settings
from tests.conftest import started
from tests.server import Server, issued


@dataclass(frozen=True)
class Endpoint:
    """What a client is configured with."""

    port: int
    url: str
    key: str
    secret: str


@pytest.fixture(scope="module")
def endpoint(settings: Settings) -> Iterator[Endpoint]:
    """The xAPI endpoint of a server of this module's own."""
    _, key, secret = issued(settings)
    with started(Server(settings)) as server:
        yield Endpoint(server.port, f"{server.url}/xapi/", key, secret)
