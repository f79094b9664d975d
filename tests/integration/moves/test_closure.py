"""Erasing an institution that lives on another shard: there, and what the directory has of it."""

import time
from uuid import UUID

import psycopg
import pytest

from api.erasures import closures_of
from domain.credentials import Credential
from domain.errors import Conflict, NotFound, Unauthenticated
from domain.placements import HOME
from domain.roles import Role
from lrs.closure import Closures
from lrs.placements import BELIEVE_SECONDS
from lrs.services import Services
from lrs.tenants import LOOK_SECONDS
from tests.integration.lrs.closing import rows
from tests.integration.lrs.erasing import accept, ids
from tests.integration.lrs.samples import statement
from tests.integration.moves.conftest import OTHER, Deployment

STAY = {
    "lrs.stored_events",
    "lrs.closures",
    "lrs.fences",
    "lrs.placements",
    "lrs.gates",
    "lrs.arrivals",
    "keystore.fences",
    "keystore.data_keys",
}


def living(services: Services, institution: UUID) -> int:
    """Returns how many keys of an institution a shard's key store can still open."""
    with psycopg.connect(services.settings.keystore_admin_dsn) as connection:
        row = connection.execute(
            "SELECT count(*) FROM keystore.data_keys WHERE institution = %s"
            " AND wrapped IS NOT NULL",
            [institution],
        ).fetchone()
    assert row is not None
    return int(row[0])


def test_on_the_shard_and_in_the_directory(deployment: Deployment) -> None:
    home, other = deployment.home, deployment.other
    made = home.institutions.create("Far college").institution
    near = home.institutions.create("Near college").institution
    key, secret = home.credentials.issue(made, "tool", [Role.TOOL])
    tool = home.credentials.verify(key, secret)
    neighbour = Credential("near", near, "near", frozenset({Role.TOOL}))
    accept(home, tool, statement("ada"), statement("bob"))
    accept(home, neighbour, statement("ada"))
    deployment.move(made, OTHER)
    time.sleep(BELIEVE_SECONDS)
    accept(other, tool, statement("cleo"))
    before = rows(home, near)

    closures = closures_of(other)
    done = closures.run(closures.request(made, by="host", basis=""))

    assert done.receipt is not None
    for shard in (home, other):
        assert {table for table, found in rows(shard, made).items() if found} <= STAY
        assert living(shard, made) == 0
    assert rows(home, near) == before
    assert len(ids(home, neighbour)) == 1
    time.sleep(LOOK_SECONDS)
    with pytest.raises(Unauthenticated):
        home.credentials.verify(key, secret)
    with pytest.raises(NotFound):
        home.institutions.get(made)
    assert made not in home.placements.at(OTHER)
    assert closures.get(made).state == "certified"


def test_not_while_it_moves(deployment: Deployment) -> None:
    home = deployment.home
    made = home.institutions.create("Between").institution
    accept(home, Credential("t", made, "t", frozenset({Role.TOOL})), statement("ada"))

    def tell(*_: object) -> None:
        with pytest.raises(Conflict):
            Closures(home).request(made, by="host", basis="")

    deployment.move(made, OTHER, tell)
    assert deployment.move(made, HOME).shard == HOME
