"""Every section of the benchmark runs, in a tiny form: it would rot unseen until somebody measures.

The streams are left out: their parts have tests of their own, and Kafka takes long to start. So is
the peer, which is downloaded.
"""

from argparse import Namespace
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from infra.local.postgres import Postgres
from lrs.fsck import fsck
from lrs.services import open_services
from tests.bench.place import Bench, Place
from tests.bench.sections import BY_NAME, USUAL
from tests.bench.store import Stores

TINY = Namespace(
    repeats=1, statements=200, connections=2, sizes=[200], slope=200, seconds=0.6, samples=2
)
FILLED = 200
ELSEWHERE = {"streams", "reads", "peer"}


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


def test_a_filled_store_is_a_store_like_any_other(bench: Bench) -> None:
    with bench.place(FILLED) as place:
        services = open_services(place.settings)
        try:
            report = fsck(services)
        finally:
            services.close()
    assert report.clean
    assert place.counted() >= FILLED
