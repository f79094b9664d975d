"""A move whose writers write faster than it copies: they are made to wait, and it ends."""

from threading import Event, Thread

import psycopg
import pytest

from domain.credentials import Credential
from domain.placements import HOME, State
from domain.values.version import Version
from lrs.moves import copying
from lrs.placements import SHUT
from lrs.placements import read as placement_of
from tests.integration.lrs.samples import Json, statement
from tests.integration.moves.conftest import OTHER, Deployment
from tests.integration.moves.test_move import read

BATCH = 5
PAUSE = 0.005
LITTLE = 10
"""Less than is written while a round looks at the tables: rounds alone would never end."""


class Writer(Thread):
    """Writes until it is told to stop."""

    def __init__(self, deployment: Deployment, tool: Credential) -> None:
        super().__init__(daemon=True)
        self._home = deployment.home
        self._tool = tool
        self.acknowledged: list[Json] = []
        self.refused = 0
        self.stopped = Event()

    def run(self) -> None:
        """Writes."""
        while not self.stopped.is_set():
            batch = [statement("ada", item="quiz") for _ in range(BATCH)]
            try:
                self._home.statements.accept(self._tool, batch, Version.V2_0_0)
            except psycopg.DatabaseError as error:
                assert error.sqlstate == SHUT
                self.refused += 1
            else:
                self.acknowledged += batch
            self.stopped.wait(PAUSE)


def test_writers_that_outrun_it_wait(
    deployment: Deployment, tool: Credential, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "LITTLE", LITTLE)
    steps: list[str] = []
    refused_before_last = 0

    def tell(step: str, *_: int) -> None:
        nonlocal refused_before_last
        steps.append(step)
        if step == "shut":
            refused_before_last = writer.refused

    writer = Writer(deployment, tool)
    writer.start()
    try:
        placement = deployment.move(tool.institution, OTHER, tell)
    finally:
        writer.stopped.set()
        writer.join()
    assert (placement.shard, placement.state) == (OTHER, State.SETTLED)
    assert steps.index("hold") < steps.index("shut")
    assert refused_before_last > 0
    # In the order in which they were written.
    arrived = [found["id"] for found in read(deployment.other, tool)]
    assert arrived == [sent["id"] for sent in reversed(writer.acknowledged)]
    assert not read(deployment.home, tool)


def test_cut_while_writers_wait(
    deployment: Deployment, tool: Credential, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "LITTLE", LITTLE)

    def tell(step: str, *_: int) -> None:
        if step == "hold":
            raise InterruptedError

    writer = Writer(deployment, tool)
    writer.start()
    try:
        with pytest.raises(InterruptedError):
            deployment.move(tool.institution, OTHER, tell)
    finally:
        writer.stopped.set()
        writer.join()
    # They are let in again, where they were.
    with deployment.home.pool.connection() as connection:
        assert placement_of(connection, tool.institution).shard == HOME
    deployment.home.statements.accept(tool, [statement("ben")], Version.V2_0_0)
    assert len(read(deployment.home, tool)) == len(writer.acknowledged) + 1
    deployment.move(tool.institution, OTHER)
    assert len(read(deployment.other, tool)) == len(writer.acknowledged) + 1
