"""Two shards with a key store each, an institution that lives at home, and who sends for it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest

from domain.credentials import Credential
from domain.placements import HOME, Placement
from domain.roles import Role
from domain.values.version import Version
from infra.local.postgres import Postgres
from infra.processes.moves import ShardViews
from lrs import shards
from lrs.moves.copying import Tell
from lrs.moves.mover import Mover, Waits
from lrs.services import Services, open_services
from lrs.settings import Settings, Shard
from tests.conftest import drop_database, fresh_database
from tests.fsck import check_clean
from tests.integration.lrs.samples import Json, statement

OTHER = "s2"
BRIEF = Waits(believe=1.1, reads=0.1)


@dataclass
class Deployment:
    """Two shards. `home` and `other` are their services; both know the directory."""

    settings: Settings
    home: Services
    other: Services

    def at(self, shard: str) -> Services:
        """Returns the services of a shard."""
        return self.home if shard == HOME else self.other

    def move(
        self, institution: UUID, to: str, tell: Tell = lambda *_: None, waits: Waits = BRIEF
    ) -> Placement:
        """Moves an institution."""
        with Mover(self.settings, institution, views=ShardViews(), tell=tell, waits=waits) as mover:
            return mover.move(to)

    def give_up(self, institution: UUID) -> Placement:
        """Gives a move up."""
        with Mover(self.settings, institution, views=ShardViews(), waits=BRIEF) as mover:
            return mover.give_up()


@pytest.fixture(scope="module")
def sharded(
    postgres: Postgres, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    """Settings with two shards."""
    data: Path = tmp_path_factory.mktemp("sharded")
    home, other = (fresh_database(postgres, template, data) for _ in range(2))
    second = Shard.model_validate(other.model_dump(include=set(Shard.model_fields)))
    yield home.model_copy(update={"shards": {OTHER: second}, "forward_private_addresses": True})
    drop_database(postgres, home)
    drop_database(postgres, other)


@pytest.fixture(scope="module")
def deployment(sharded: Settings) -> Iterator[Deployment]:
    """Both shards."""
    home = open_services(sharded)
    other = open_services(shards.at(sharded, OTHER), home)
    yield Deployment(sharded, home, other)
    other.close()
    home.close()
    # Log, index, documents and keys agree on both, whatever was moved, cut short and given up.
    check_clean(sharded)


@pytest.fixture
def tool(deployment: Deployment) -> Credential:
    """A tool of an institution that has nothing yet."""
    institution = deployment.home.institutions.create("Moving college").institution
    key, secret = deployment.home.credentials.issue(institution, "the tool", [Role.TOOL])
    return deployment.home.credentials.verify(key, secret)


def send(services: Services, tool: Credential, *actors: str) -> list[Json]:
    """Records a statement of each actor; returns them."""
    sent = [statement(actor, item=actor) for actor in actors]
    services.statements.accept(tool, sent, Version.V2_0_0)
    return sent
