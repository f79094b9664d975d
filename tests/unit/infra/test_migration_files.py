"""What is read from the SQL files: their order, their locks, their statements."""

import pytest

from infra.migrations import SERIES, Migration, Series, migrations
from infra.migrations.apply import INDEX

SQL = """-- Locks lrs.postings: SHARE UPDATE EXCLUSIVE
-- Locks lrs.people: ACCESS EXCLUSIVE
-- Why: because; of this.

CREATE INDEX CONCURRENTLY one
    ON lrs.people (fence)
    WHERE fence <> ';';
-- And more;
ALTER TABLE lrs.people VALIDATE CONSTRAINT two;
"""


def test_a_file_says_what_it_locks_and_does() -> None:
    migration = Migration("lrs", 1, "0001_x.concurrent.sql", SQL, concurrent=True)
    assert migration.locks == {
        "lrs.postings": "SHARE UPDATE EXCLUSIVE",
        "lrs.people": "ACCESS EXCLUSIVE",
    }
    first, second = migration.statements
    assert first.startswith("CREATE INDEX CONCURRENTLY one")
    assert first.endswith("';'")
    assert second == "ALTER TABLE lrs.people VALIDATE CONSTRAINT two"


@pytest.mark.parametrize("series", SERIES, ids=lambda series: series.name)
def test_files_are_in_order(series: Series) -> None:
    """By number; of one number, what goes statement by statement comes after the transactions."""
    found = [(m.number, m.concurrent) for m in migrations(series)]
    assert found == sorted(found)
    assert found[0] == (1, False)


@pytest.mark.parametrize(
    ("statement", "place"),
    [
        ("CREATE INDEX CONCURRENTLY a ON lrs.b (c)", ("lrs", "a")),
        ("create unique index concurrently a on views.b (c)", ("views", "a")),
        ("CREATE INDEX CONCURRENTLY IF NOT EXISTS a ON lrs.b (c)", None),
        ("CREATE INDEX a ON lrs.b (c)", None),
        ("CREATE INDEX CONCURRENTLY a ON b (c)", None),
    ],
)
def test_an_index_is_known_by_its_schema_and_name(
    statement: str, place: tuple[str, str] | None
) -> None:
    found = INDEX.match(statement)
    assert (found and (found["schema"], found["name"])) == place
