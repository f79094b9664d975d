"""Every section of the benchmark runs, in a tiny form: it would rot unseen until somebody measures.

The streams are left out: their parts have tests of their own, and Kafka takes long to start. So is
the peer, which is downloaded.
"""

import socket
from argparse import Namespace
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from importlib import import_module
from itertools import islice
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from infra.local.postgres import Postgres
from infra.local.process import LOOPBACK
from lrs.fsck import fsck
from lrs.services import open_services
from tests.bench.corpus import corpus
from tests.bench.load import BROKEN, Plan
from tests.bench.place import Bench, Place
from tests.bench.requests import Maker
from tests.bench.sections import BY_NAME, USUAL
from tests.bench.store import Stores

TINY = Namespace(
    repeats=1, statements=200, connections=2, sizes=[200], slope=200, seconds=0.6, samples=2
)
FILLED = 200
ELSEWHERE = {"streams", "peer"}


class Tiny(Bench):
    """A benchmark on the server of the tests, in one store: to make many takes long."""

    def __init__(self, postgres: Postgres, template: str, folder: Path, stack: ExitStack) -> None:
        super().__init__(TINY, folder, stack)
        self._server, self._template = postgres, template
        self._held: dict[str, Place] = {}

    @cached_property
    def postgres(self) -> Postgres:
        return self._server

    @cached_property
    def stores(self) -> Stores:
        return Stores(self._server, self.folder, self._template)

    @contextmanager
    def place(self, filled: int = 0, **settings: Any) -> Iterator[Place]:
        if not self._held:
            self._held["place"] = self._stack.enter_context(super().place(FILLED, **settings))
        yield self._held["place"]


@pytest.fixture(scope="module")
def bench(
    postgres: Postgres, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bench]:
    with ExitStack() as stack:
        yield Tiny(postgres, template, tmp_path_factory.mktemp("bench"), stack)


@pytest.mark.parametrize("section", sorted({*USUAL, *BY_NAME} - ELSEWHERE))
def test_a_section_prints_its_table(
    section: str, bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    import_module(f"tests.bench.{section}").run(bench)
    printed = capsys.readouterr().out
    assert "\n### " in printed
    assert "| --" in printed


def test_what_is_sent_again_is_other_statements(bench: Bench) -> None:
    with bench.place(FILLED) as place:
        before = place.counted()
        requests = place.make.posts(islice(corpus().in_order(5), 10), 5)
        result = place.send(requests, connections=1, seconds=1.0)
        assert set(result.statuses) == {200}
        assert result.requests > len(requests)
        assert place.counted() - before == result.statements == 5 * result.requests


def test_a_connection_that_breaks_is_a_failure(bench: Bench) -> None:
    listener = socket.create_server((LOOPBACK, 0))

    def break_all(count: int) -> None:
        for _ in range(count):
            listener.accept()[0].close()

    requests = Maker("key", "secret").posts(islice(corpus().in_order(1), 3), 1)
    breaker = Thread(target=break_all, args=(1 + len(requests),))
    breaker.start()
    result = bench.generator.run(Plan(listener.getsockname()[1], [requests], connections=1))
    breaker.join()
    listener.close()
    assert result.statuses == {BROKEN: len(requests)}
    assert result.failures == len(requests)
    assert result.statements == 0


def test_a_filled_store_is_a_store_like_any_other(bench: Bench) -> None:
    with bench.place(FILLED) as place:
        services = open_services(place.settings)
        try:
            report = fsck(services)
        finally:
            services.close()
    assert report.clean
    assert place.counted() >= FILLED
