"""A move that is cut short at each of its steps: asked again it ends the same, or is given up."""

import pytest

from domain.credentials import Credential
from domain.errors import Conflict, NotFound
from domain.placements import HOME, State
from infra.processes.moves import ShardViews
from lrs import shards
from lrs.moves.mover import Mover, Waits
from lrs.placements import read as placement_of
from tests.integration.lrs.samples import statement
from tests.integration.moves.conftest import OTHER, Deployment, send
from tests.integration.moves.test_move import V2, erase, held, put, read, refused

QUICK = Waits(believe=0.0, reads=0.0)
STAY = {"lrs.fences", "lrs.erased_identifiers"}


class Cut(Exception):
    """The move ends here."""


def fill(deployment: Deployment, tool: Credential) -> None:
    send(deployment.home, tool, "ada", "ben", "cy")
    put(deployment.home, tool, b"page 7")
    erase(deployment.home, tool, "ben")


def steps_of(deployment: Deployment, tool: Credential) -> list[str]:
    """Returns what a move tells, in order."""
    steps: list[str] = []
    deployment.move(tool.institution, OTHER, lambda step, *_: steps.append(step), QUICK)
    return steps


def cut_at(deployment: Deployment, tool: Credential, number: int) -> bool:
    """Begins a move that ends when it tells for the nth time; returns whether it got so far."""
    told: list[str] = []

    def tell(step: str, done: int, whole: int) -> None:
        told.append(step)
        if len(told) > number:
            raise Cut

    try:
        deployment.move(tool.institution, OTHER, tell, QUICK)
    except Cut:
        return True
    return False


def state(deployment: Deployment, tool: Credential) -> tuple[str, State]:
    with deployment.home.pool.connection() as connection:
        placement = placement_of(connection, tool.institution)
    return placement.shard, placement.state


def test_cut_anywhere_and_asked_again(deployment: Deployment, tool: Credential) -> None:
    fill(deployment, tool)
    told = steps_of(deployment, tool)
    assert {"copy log", "compare log", "shut", "flip", "clear"} <= set(told)
    institution = deployment.home.institutions.create("Cut college").institution
    again = Credential("tool", institution, "a tool", tool.roles)
    fill(deployment, again)
    before = read(deployment.home, again), held(deployment.home, institution)
    # Each attempt gets a little further than the one before.
    number = 0
    while cut_at(deployment, again, number):
        number += 1
        if state(deployment, again)[0] == HOME:
            # It goes on at home meanwhile, for writers too.
            sent = statement("ada", item=str(number))
            deployment.home.statements.accept(again, [sent], V2)
            before = read(deployment.home, again), held(deployment.home, institution)
            assert before[0][0]["id"] == sent["id"]
    assert number > 5
    assert state(deployment, again) == (OTHER, State.SETTLED)
    assert (read(deployment.other, again), held(deployment.other, institution)) == before
    assert set(held(deployment.home, institution)) == {"lrs.institutions", *STAY}


@pytest.mark.parametrize("step", ["copy log", "compare log", "shut", "compare index", "flip"])
def test_given_up_before_it_has_gone_over(
    deployment: Deployment, tool: Credential, step: str
) -> None:
    fill(deployment, tool)
    before = read(deployment.home, tool), held(deployment.home, tool.institution)

    def tell(told: str, done: int, whole: int) -> None:
        if told == step:
            raise Cut

    with pytest.raises(Cut):
        deployment.move(tool.institution, OTHER, tell, QUICK)
    with pytest.raises(Conflict):
        deployment.move(tool.institution, HOME, waits=QUICK)
    assert deployment.give_up(tool.institution).state is State.SETTLED
    assert state(deployment, tool) == (HOME, State.SETTLED)
    assert (read(deployment.home, tool), held(deployment.home, tool.institution)) == before
    assert read(deployment.other, tool) == []
    left = held(deployment.other, tool.institution)
    assert set(left) <= STAY
    refused(lambda: deployment.other.statements.accept(tool, [statement()], V2))
    send(deployment.home, tool, "dee")
    # And once more, all the way.
    deployment.move(tool.institution, OTHER, waits=QUICK)
    assert len(read(deployment.other, tool)) == 3


def test_two_at_once_are_one(deployment: Deployment, tool: Credential) -> None:
    send(deployment.home, tool, "ada")

    def tell(step: str, done: int, whole: int) -> None:
        if step == "shut":
            with pytest.raises(Conflict):
                deployment.move(tool.institution, OTHER, waits=QUICK)

    deployment.move(tool.institution, OTHER, tell, QUICK)
    assert len(read(deployment.other, tool)) == 1


def test_shards_that_are_not_apart_are_refused(deployment: Deployment, tool: Credential) -> None:
    send(deployment.home, tool, "ada")
    home = shards.at(deployment.settings, HOME)
    both = {"admin_dsn": home.admin_dsn, "keystore_admin_dsn": home.keystore_admin_dsn}
    second = deployment.settings.shards[OTHER]
    for same, value in both.items():
        twin = second.model_copy(update={same: value})
        known = deployment.settings.model_copy(update={"shards": {OTHER: twin}})
        with (
            Mover(known, tool.institution, views=ShardViews(), waits=QUICK) as mover,
            pytest.raises(Conflict),
        ):
            mover.move(OTHER)
    assert state(deployment, tool) == (HOME, State.SETTLED)
    with pytest.raises(NotFound):
        deployment.move(tool.institution, "s3")


def test_a_clock_that_is_behind_is_refused(
    deployment: Deployment, tool: Credential, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have the same clock here: so it is refused where it had to be an hour ahead."""
    send(deployment.home, tool, "ada")
    monkeypatch.setattr("lrs.moves.sides.MOST_BEHIND", -3600.0)
    with pytest.raises(Conflict, match="clock of s2"):
        deployment.move(tool.institution, OTHER, waits=QUICK)
    assert state(deployment, tool) == (HOME, State.SETTLED)
