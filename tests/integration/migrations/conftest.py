"""The database of the release before, in a server of this run."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.postgres import Postgres
from lrs.settings import Settings
from tests.conftest import drop_database
from tests.upgrades.restore import RELEASES, restore


@pytest.fixture
def old(postgres: Postgres, tmp_path: Path) -> Iterator[Settings]:
    """A database as the release before left it."""
    made = restore(postgres, RELEASES[-1], tmp_path)
    yield made
    drop_database(postgres, made)
