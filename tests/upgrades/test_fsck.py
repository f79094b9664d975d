"""A store of each earlier release, upgraded, agrees with itself; its rows can be made anew."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from infra.local.postgres import Postgres
from infra.migrations import migrate
from lrs.fsck import Kind
from lrs.settings import Settings
from tests.conftest import drop_database
from tests.fsck import check_clean, found
from tests.upgrades.restore import RELEASES, restore


@pytest.fixture(params=RELEASES)
def settings(
    request: pytest.FixtureRequest, postgres: Postgres, tmp_path: Path
) -> Iterator[Settings]:
    """Settings of the store, after the migrations."""
    made = restore(postgres, request.param, tmp_path)
    migrate(made)
    yield made
    drop_database(postgres, made)


def test_an_upgraded_store_agrees(settings: Settings) -> None:
    """What an earlier release posted besides does no harm, and what it erased is gone."""
    check_clean(settings)


def test_rows_of_an_earlier_release_are_made_anew(settings: Settings) -> None:
    with psycopg.connect(settings.admin_dsn) as connection:
        connection.execute(
            "DELETE FROM lrs.statement_index WHERE position IN (SELECT position"
            " FROM lrs.statement_index ORDER BY position LIMIT 50)"
        )
    findings, _ = found(settings, repair=True)
    # Their postings of before go with them: these rows are of this release.
    assert {finding.kind for finding in findings} <= {Kind.INDEX_MISSING, Kind.POSTING_EXTRA}
    check_clean(settings)
