"""Every role, every table, every privilege: what is granted, and what really happens when tried."""

from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.errors import InsufficientPrivilege

from infra.local.postgres import ADMIN, Postgres
from lrs.settings import Settings
from tests.integration.migrations.rights import (
    COLUMNS,
    DEFINERS,
    KEYS,
    READ_FUNCTIONS,
    READER,
    RIGHTS,
    WRITER,
)

ROLES = (WRITER, KEYS, READER)
SCHEMAS = ["lrs", "keystore", "views", "streams", "migrations"]
TABLES = (
    "SELECT n.nspname || '.' || c.relname, c.oid::bigint, c.relkind::text FROM pg_class c"
    " JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname = ANY (%s) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')"
)
LETTERS = {"SELECT": "s", "INSERT": "i", "UPDATE": "u", "DELETE": "d"}


def rows(settings: Settings, query: str, *parameters: Any) -> list[Any]:
    with psycopg.connect(settings.admin_dsn) as connection:
        return connection.execute(query.encode(), parameters).fetchall()


def test_every_table_is_decided(settings: Settings) -> None:
    assert {name for name, _, _ in rows(settings, TABLES, SCHEMAS)} == RIGHTS.keys()


@pytest.mark.parametrize("role", ROLES)
def test_what_is_granted_is_what_was_decided(settings: Settings, role: str) -> None:
    granted = rows(
        settings,
        "SELECT n.nspname || '.' || c.relname, p,"
        " has_table_privilege(%s, c.oid, p) AS whole, CASE WHEN p <> 'DELETE' THEN"
        "  ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid"
        "   AND a.attnum > 0 AND NOT a.attisdropped"
        "   AND has_column_privilege(%s, c.oid, a.attname, p)) ELSE '{}' END"
        " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,"
        " unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) p"
        " WHERE n.nspname = ANY (%s) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')",
        role,
        role,
        SCHEMAS,
    )
    wrong = []
    for table, privilege, whole, columns in granted:
        letters, letter = RIGHTS.get(table, {}).get(role, ""), LETTERS[privilege]
        some = letter in letters and letter != letter.upper()
        expected = COLUMNS[table, privilege] if some else None
        if whole != (letter.upper() in letters) or (
            not whole and set(columns) != (expected or set())
        ):
            wrong.append((table, privilege, whole, columns))
    assert wrong == []


@pytest.mark.parametrize("role", ROLES)
def test_whatever_is_not_granted_is_refused(
    postgres: Postgres, settings: Settings, role: str
) -> None:
    """Tried for real, as that role: reading, writing, and changing what guards the table."""
    dsn = postgres.dsn_of(role, settings.admin_dsn.rsplit("/", 1)[1])
    passed = []
    with psycopg.connect(dsn, autocommit=True) as connection:
        for name, _, kind in rows(settings, TABLES, SCHEMAS):
            table = sql.Identifier(*name.split("."))
            letters = RIGHTS[name].get(role, "").lower()
            asked = {
                "s": "SELECT FROM {} LIMIT 0",
                "i": "INSERT INTO {} DEFAULT VALUES",
                "d": "DELETE FROM {} WHERE false",
            }
            if kind == "v":
                asked = {"s": asked["s"]}  # the view itself takes no rows
            tried = [text for letter, text in asked.items() if letter not in letters]
            if kind == "r":
                tried += [
                    "TRUNCATE {}",
                    "ALTER TABLE {} ADD COLUMN more int",
                    "ALTER TABLE {} DISABLE TRIGGER USER",
                    "ALTER TABLE {} SET (autovacuum_enabled = off)",
                    "DROP TABLE {}",
                ]
            for text in tried:
                try:
                    connection.execute(sql.SQL(text).format(table))
                except InsufficientPrivilege:
                    continue
                passed.append(text.format(name))
    assert passed == []


@pytest.mark.parametrize("role", ROLES)
def test_no_role_makes_or_becomes_anything(
    postgres: Postgres, settings: Settings, role: str
) -> None:
    dsn = postgres.dsn_of(role, settings.admin_dsn.rsplit("/", 1)[1])
    tried = [f"CREATE TABLE {schema}.mine (x int)" for schema in (*SCHEMAS, "public")]
    tried += [
        "CREATE SCHEMA mine",
        "SET session_replication_role = replica",
        f"SET ROLE {ADMIN}",
        "ALTER SYSTEM SET fsync = off",
        "SELECT pg_read_file('postgresql.conf')",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "CREATE ROLE mine",
    ]
    with psycopg.connect(dsn, autocommit=True) as connection:
        for text in tried:
            with pytest.raises(InsufficientPrivilege):
                connection.execute(text.encode())


def test_functions_run_as_their_caller_on_a_fixed_path(settings: Settings) -> None:
    found = rows(
        settings,
        "SELECT n.nspname || '.' || p.proname, p.prosecdef, p.prosqlbody IS NOT NULL,"
        " coalesce(p.proconfig, '{}'), p.prorettype = 'trigger'::regtype,"
        " ARRAY(SELECT r FROM unnest(%s::text[]) r"
        "  WHERE has_function_privilege(r, p.oid, 'EXECUTE')),"
        " EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a"
        "  WHERE a.grantee = 0)"
        " FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = ANY (%s)",
        list(ROLES),
        SCHEMAS,
    )
    assert found
    for name, definer, bound, settings_, is_trigger, callers, public in found:
        assert definer == (name in DEFINERS), name
        assert bound or "search_path=pg_catalog" in settings_, name
        assert not public, name
        if is_trigger:
            continue  # nobody can call it but a trigger
        home = KEYS if name.startswith("keystore.") else WRITER
        readers = {READER} if name in READ_FUNCTIONS else set()
        assert readers <= set(callers) <= {home} | readers, name


def test_public_has_nothing(postgres: Postgres, template: str, settings: Settings) -> None:
    assert (
        rows(
            settings,
            "SELECT c.oid::regclass::text, a.privilege_type FROM pg_class c"
            " JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) a"
            " WHERE n.nspname = ANY (%s) AND a.grantee = 0 UNION ALL"
            " SELECT n.nspname, a.privilege_type FROM pg_namespace n, aclexplode(n.nspacl) a"
            " WHERE n.nspname = ANY (%s) AND a.grantee = 0",
            SCHEMAS,
            [*SCHEMAS, "public"],
        )
        == []
    )
    # A copy of a database does not have its rights: the one that was migrated does.
    with psycopg.connect(postgres.dsn_of(ADMIN, "postgres"), autocommit=True) as connection:
        connection.execute("CREATE ROLE stranger LOGIN PASSWORD 'x'")
        try:
            server = f"postgresql://stranger:x@127.0.0.1:{postgres.port}"
            with pytest.raises(psycopg.OperationalError, match="CONNECT privilege"):
                psycopg.connect(f"{server}/{template}")
        finally:
            connection.execute("DROP ROLE stranger")
