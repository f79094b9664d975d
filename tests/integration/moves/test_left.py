"""A move that nobody carries on: the jobs let writers in, clear what was left, and give it up."""

from dataclasses import replace
from threading import Event
from typing import Any

import psycopg
import pytest

from domain.credentials import Credential
from domain.placements import HOME, Placement, State
from infra.local.process import free_port
from infra.processes import moves
from infra.processes.jobs import JOBS
from lrs.moves.mover import Mover
from tests.integration.lrs.samples import statement
from tests.integration.moves.conftest import OTHER, Deployment, send
from tests.integration.moves.test_move import V2, held, read, refused
from tests.integration.moves.test_resume import QUICK, STAY, Cut, fill, state


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The job does not wait for the reads of processes that are not there."""
    monkeypatch.setattr("lrs.moves.mover.Waits", lambda: QUICK)


def killed(
    deployment: Deployment, tool: Credential, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Begins a move that ends at a step as if by -9: nothing is put right after it."""
    let_in = Mover._let_in
    ended = False

    def unless_ended(self: Mover, placement: Placement, *sides: Any) -> Placement:
        return placement if ended else let_in(self, placement, *sides)

    def tell(told: str, *_: int) -> None:
        nonlocal ended
        if told == step:
            ended = True
            raise Cut

    with monkeypatch.context() as patched:
        patched.setattr(Mover, "_let_in", unless_ended)
        with pytest.raises(Cut):
            deployment.move(tool.institution, OTHER, tell, QUICK)


def look(deployment: Deployment) -> None:
    """Does what the jobs of home do."""
    moves.moves(deployment.home).run(Event())


def keys(deployment: Deployment, tool: Credential) -> int:
    """Returns how many keys of the institution are whole on the second shard."""
    with psycopg.connect(deployment.other.settings.keystore_admin_dsn) as connection:
        row = connection.execute(
            "SELECT count(wrapped) FROM keystore.data_keys WHERE institution = %s",
            [tool.institution],
        ).fetchone()
    assert row is not None
    return int(row[0])


def test_writers_come_in_again(
    deployment: Deployment, tool: Credential, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(deployment.home, tool, "ada")
    killed(deployment, tool, monkeypatch, "shut")
    assert state(deployment, tool) == (HOME, State.SHUT)
    refused(lambda: deployment.home.statements.accept(tool, [statement("ben")], V2))
    look(deployment)
    assert state(deployment, tool) == (HOME, State.COPYING)
    deployment.home.statements.accept(tool, [statement("ben")], V2)
    # What was copied stays for whoever goes on.
    assert keys(deployment, tool) > 0
    deployment.move(tool.institution, OTHER, waits=QUICK)
    assert len(read(deployment.other, tool)) == 2


def test_given_up_when_nobody_goes_on(
    deployment: Deployment, tool: Credential, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(deployment, tool)
    before = read(deployment.home, tool)
    killed(deployment, tool, monkeypatch, "shut")
    assert keys(deployment, tool) > 0
    monkeypatch.setattr(moves, "GIVE_UP_SECONDS", 0.0)
    look(deployment)
    assert state(deployment, tool) == (HOME, State.SETTLED)
    # Who is erased from now on is not readable there either.
    assert keys(deployment, tool) == 0
    assert set(held(deployment.other, tool.institution)) <= STAY
    assert read(deployment.home, tool) == before
    send(deployment.home, tool, "dee")


def test_cleared_after_it_went_over(
    deployment: Deployment, tool: Credential, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(deployment, tool)
    killed(deployment, tool, monkeypatch, "clear")
    assert state(deployment, tool) == (OTHER, State.CLEARING)
    look(deployment)
    assert state(deployment, tool) == (OTHER, State.SETTLED)
    assert set(held(deployment.home, tool.institution)) == {"lrs.institutions", *STAY}


def test_a_move_that_goes_on_is_left_alone(deployment: Deployment, tool: Credential) -> None:
    send(deployment.home, tool, "ada")
    seen: list[tuple[str, State]] = []

    def tell(step: str, *_: int) -> None:
        if step in ("copy log", "shut", "clear"):
            before = state(deployment, tool)
            look(deployment)
            assert state(deployment, tool) == before
            seen.append(before)

    deployment.move(tool.institution, OTHER, tell, QUICK)
    assert {kind for _, kind in seen} == {State.COPYING, State.SHUT, State.CLEARING}
    assert state(deployment, tool) == (OTHER, State.SETTLED)


def test_a_shard_that_is_away_holds_nobody_up(
    deployment: Deployment, tool: Credential, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(deployment.home, tool, "ada")
    killed(deployment, tool, monkeypatch, "shut")
    away = deployment.settings.shards[OTHER].model_copy(
        update={"admin_dsn": f"postgresql://nobody@127.0.0.1:{free_port()}/none"}
    )
    known = deployment.home.settings.model_copy(update={"shards": {OTHER: away}})
    moves.moves(replace(deployment.home, settings=known)).run(Event())
    assert state(deployment, tool) == (HOME, State.SHUT)
    look(deployment)
    assert state(deployment, tool) == (HOME, State.COPYING)
    deployment.give_up(tool.institution)


def test_every_jobs_process_looks(deployment: Deployment) -> None:
    assert moves.moves in JOBS
    # A further shard has no directory: its jobs leave it to those of home.
    moves.moves(deployment.other).run(Event())
