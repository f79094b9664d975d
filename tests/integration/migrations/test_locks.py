"""What each file says of its locks is what it takes; and none works on a table that it locks."""

import re

from infra.migrations import SERIES, migrations
from infra.migrations.apply import INDEX
from lrs.settings import Settings
from tests.integration.migrations.locks import derive, header

ONLINE = re.compile(
    r"ALTER TABLE \w+\.\w+ VALIDATE CONSTRAINT|DROP INDEX CONCURRENTLY IF EXISTS|COMMENT ON"
)


def test_each_file_says_what_it_locks_and_holds_it_for_a_moment(old: Settings) -> None:
    """A moment: nothing is read or rewritten under a lock, so the size does not matter."""
    done = derive(old)
    assert done
    for one in done:
        name = f"{one.migration.series} {one.migration.name}"
        expected = f"{name} should begin with\n{header(one.locks)}"
        assert one.migration.locks == one.locks, expected
        assert one.rewritten == set(), name
        assert {table for table in one.read if table in one.locks} == set(), name
        if not one.migration.concurrent:
            assert "SHARE" not in one.locks.values(), f"{name} makes an index under a lock"


def test_what_is_concurrent_can_be_done_twice() -> None:
    """An interrupted file is begun again from its first statement."""
    for series in SERIES:
        for migration in migrations(series):
            if migration.concurrent:
                for statement in migration.statements:
                    assert INDEX.match(statement) or ONLINE.match(statement), statement
