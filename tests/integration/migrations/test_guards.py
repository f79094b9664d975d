"""What the database refuses whoever asks, its owner too; and that it says why of everything."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg.errors import CheckViolation, InsufficientPrivilege

from lrs.settings import Settings

SCHEMAS = ["lrs", "keystore", "views", "streams"]

# Triggers that nothing may skip: not a session that plays a replica.
ALWAYS = {
    ("lrs.stored_events", "append_only"),
    ("lrs.stored_events", "append_only_truncate"),
    ("lrs.fences", "rows_stay"),
    ("lrs.fences", "rows_stay_truncate"),
    ("lrs.erased_identifiers", "rows_stay"),
    ("lrs.erased_identifiers", "rows_stay_truncate"),
    ("keystore.data_keys", "key_states"),
    ("keystore.data_keys", "rows_stay"),
    ("keystore.data_keys", "rows_stay_truncate"),
    ("keystore.fences", "rows_stay"),
    ("keystore.fences", "rows_stay_truncate"),
}

STATE = bytes(33)
EVENT = (
    "INSERT INTO lrs.stored_events (originator_id, originator_version, topic, state,"
    " notification_id) VALUES (gen_random_uuid(), %s, %s, %s, %s)"
)


@pytest.fixture
def owner(settings: Settings) -> Iterator[psycopg.Connection[Any]]:
    """The owner, who may do everything that is not guarded."""
    with psycopg.connect(settings.admin_dsn, autocommit=True) as connection:
        yield connection


def test_guards_are_always_on(owner: psycopg.Connection[Any]) -> None:
    found = owner.execute(
        "SELECT tgrelid::regclass::text, tgname FROM pg_trigger"
        " WHERE NOT tgisinternal AND tgenabled = 'A'"
    ).fetchall()
    assert set(found) >= ALWAYS


@pytest.mark.parametrize("role", ["origin", "replica"])
@pytest.mark.parametrize(
    "change",
    ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {} CASCADE"],
    ids=["update", "delete", "truncate"],
)
@pytest.mark.parametrize(
    ("table", "column", "row"),
    [
        ("lrs.stored_events", "topic", (EVENT, (1, "test.event", STATE, 10**9))),
        (
            "lrs.fences",
            "fenced_at",
            ("INSERT INTO lrs.fences VALUES (gen_random_uuid(), gen_random_uuid())", ()),
        ),
        (
            "lrs.erased_identifiers",
            "fence",
            ("INSERT INTO lrs.erased_identifiers VALUES (gen_random_uuid(), %s)", (bytes(32),)),
        ),
        (
            "keystore.fences",
            "fenced_at",
            ("INSERT INTO keystore.fences VALUES (gen_random_uuid(), gen_random_uuid())", ()),
        ),
    ],
    ids=["events", "fences", "erased", "key fences"],
)
def test_rows_that_stay(
    owner: psycopg.Connection[Any], table: str, column: str, row: Any, change: str, role: str
) -> None:
    owner.execute("BEGIN")
    owner.execute(*row)
    owner.execute(f"SET LOCAL session_replication_role = {role}".encode())
    with pytest.raises(InsufficientPrivilege):
        owner.execute(change.format(table, column, column).encode())
    owner.execute("ROLLBACK")


def key(owner: psycopg.Connection[Any], *, revoked: bool = False) -> Any:
    row = owner.execute(
        "INSERT INTO keystore.data_keys (key_id, institution, pseudonym, version, kek_id, wrapped)"
        " VALUES (%s, %s, %s, 1, 1, 'sealed') RETURNING key_id",
        [uuid4(), uuid4(), uuid4()],
    ).fetchone()
    assert row is not None
    if revoked:
        owner.execute(f"UPDATE keystore.data_keys SET {REVOKED} WHERE key_id = %s".encode(), row)
    return row[0]


REVOKED = "wrapped = NULL, kek_id = NULL, revoked_at = now()"


@pytest.mark.parametrize("change", [REVOKED, "wrapped = 'anew', kek_id = 2", "version = version"])
def test_a_key_is_revoked_or_wrapped_anew(owner: psycopg.Connection[Any], change: str) -> None:
    one = key(owner)
    done = owner.execute(
        f"UPDATE keystore.data_keys SET {change} WHERE key_id = %s".encode(), [one]
    )
    assert done.rowcount == 1


@pytest.mark.parametrize(
    "change",
    [
        "wrapped = 'another'",
        "kek_id = 2",
        "version = 2",
        "pseudonym = institution",
        "institution = pseudonym",
        "created_at = now() - interval '1 year'",
        f"{REVOKED}, version = 2",
    ],
)
def test_a_key_never_changes_otherwise(owner: psycopg.Connection[Any], change: str) -> None:
    one = key(owner)
    with pytest.raises(InsufficientPrivilege):
        owner.execute(f"UPDATE keystore.data_keys SET {change} WHERE key_id = %s".encode(), [one])


@pytest.mark.parametrize(
    "change",
    [
        "wrapped = 'sealed', kek_id = 1, revoked_at = NULL",
        "wrapped = 'sealed', kek_id = 1",
        "revoked_at = now() + interval '1 day'",
        "version = 2",
    ],
)
def test_a_revoked_key_never_comes_back(owner: psycopg.Connection[Any], change: str) -> None:
    one = key(owner, revoked=True)
    with pytest.raises(InsufficientPrivilege):
        owner.execute(f"UPDATE keystore.data_keys SET {change} WHERE key_id = %s".encode(), [one])


@pytest.mark.parametrize("revoked", [False, True])
def test_a_key_keeps_its_row(owner: psycopg.Connection[Any], revoked: bool) -> None:
    one = key(owner, revoked=revoked)
    for change in (
        "DELETE FROM keystore.data_keys WHERE key_id = %s",
        "TRUNCATE keystore.data_keys",
    ):
        with pytest.raises(InsufficientPrivilege):
            owner.execute(change.encode(), [one] if "%s" in change else None)


@pytest.mark.parametrize(
    "values",
    [
        (1, "statement.stored", bytes(32), 10**9),
        (0, "statement.stored", STATE, 10**9),
        (1, "statement.stored", STATE, 0),
    ],
    ids=["no header", "version 0", "position 0"],
)
def test_values_that_cannot_be(owner: psycopg.Connection[Any], values: Any) -> None:
    with pytest.raises(CheckViolation):
        owner.execute(EVENT, values)


def test_the_writer_gives_no_time(settings: Settings) -> None:
    with (
        psycopg.connect(settings.dsn) as connection,
        pytest.raises(InsufficientPrivilege),
    ):
        connection.execute(
            "INSERT INTO lrs.stored_events (originator_id, originator_version, topic, state,"
            " notification_id, recorded_at)"
            " VALUES (gen_random_uuid(), 1, 'a.b', %s, 1, 'infinity')",
            [STATE],
        )


def test_every_constraint_is_checked_for_every_row(owner: psycopg.Connection[Any]) -> None:
    found = owner.execute(
        "SELECT conrelid::regclass::text, conname FROM pg_constraint"
        " WHERE connamespace::regnamespace::text = ANY (%s) AND NOT convalidated",
        [SCHEMAS],
    ).fetchall()
    assert found == []


def test_everything_says_why_it_is_there(owner: psycopg.Connection[Any]) -> None:
    silent = owner.execute(
        "WITH ours AS (SELECT oid FROM pg_namespace WHERE nspname = ANY (%s))"
        " SELECT 'constraint', conrelid::regclass::text, conname::text FROM pg_constraint"
        "  WHERE connamespace IN (SELECT oid FROM ours) AND contype <> 'n' AND conparentid = 0"
        "  AND obj_description(oid, 'pg_constraint') IS NULL"
        " UNION ALL SELECT 'index', indrelid::regclass::text, c.relname FROM pg_index i"
        "  JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relnamespace IN (SELECT oid FROM ours)"
        "  AND NOT EXISTS (SELECT FROM pg_constraint o WHERE o.conindid = i.indexrelid)"
        "  AND obj_description(c.oid, 'pg_class') IS NULL"
        " UNION ALL SELECT 'trigger', tgrelid::regclass::text, tgname FROM pg_trigger t"
        "  JOIN pg_class c ON c.oid = t.tgrelid WHERE c.relnamespace IN (SELECT oid FROM ours)"
        "  AND NOT tgisinternal AND obj_description(t.oid, 'pg_trigger') IS NULL"
        " UNION ALL SELECT 'function', '', oid::regprocedure::text FROM pg_proc"
        "  WHERE pronamespace IN (SELECT oid FROM ours) AND obj_description(oid, 'pg_proc') IS NULL"
        " UNION ALL SELECT 'sequence', '', oid::regclass::text FROM pg_class"
        "  WHERE relkind = 'S' AND relnamespace IN (SELECT oid FROM ours)"
        "  AND obj_description(oid, 'pg_class') IS NULL ORDER BY 1, 2, 3",
        [SCHEMAS],
    ).fetchall()
    assert silent == []
