"""A second schema of the same form as another: tables, indexes, views, rights, settings, reasons.

`CREATE TABLE ... LIKE` copies columns, constraints and indexes; it names indexes anew, and leaves
out what a table is for, how it is kept and who may use it. Migrations go by those.
"""

from typing import Any

import psycopg
from psycopg import sql

Connection = psycopg.Connection[Any]


def make_twin(connection: Connection, live: str, twin: str) -> None:
    """Makes the schema `twin`, dropping one that is there, with empty tables as `live` has them.

    Leaves `search_path` on the twin until the end of the transaction.
    """
    name = sql.Identifier(twin)
    connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(name))
    connection.execute(sql.SQL("CREATE SCHEMA {}").format(name))
    for oid, table, options in connection.execute(
        "SELECT oid, relname, array_to_string(reloptions, ', ') FROM pg_class"
        " WHERE relnamespace = %s::regnamespace AND relkind = 'r' ORDER BY oid",
        [live],
    ).fetchall():
        made = sql.Identifier(twin, table)
        connection.execute(
            sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(
                made, sql.Identifier(live, table)
            )
        )
        if options:
            connection.execute(sql.SQL("ALTER TABLE {} SET ({})").format(made, sql.SQL(options)))
        _name_indexes(connection, oid, twin, table)
    connection.execute(f"SET LOCAL search_path = {live}".encode())
    definitions = connection.execute(
        "SELECT relname, pg_get_viewdef(oid) FROM pg_class"
        " WHERE relnamespace = %s::regnamespace AND relkind = 'v' ORDER BY oid",
        [live],
    ).fetchall()
    connection.execute(f"SET LOCAL search_path = {twin}".encode())
    for view, definition in definitions:
        connection.execute(
            sql.SQL("CREATE VIEW {} AS ").format(sql.Identifier(twin, view)) + sql.SQL(definition)
        )
    _explain(connection, live, twin)
    _grant(connection, live, twin)


def _name_indexes(connection: Connection, oid: int, twin: str, table: str) -> None:
    rows = connection.execute(
        "SELECT t.relname, l.relname FROM pg_index li JOIN pg_class l ON l.oid = li.indexrelid"
        " JOIN pg_index ti ON ti.indrelid = %s::regclass JOIN pg_class t ON t.oid = ti.indexrelid"
        " WHERE li.indrelid = %s AND l.relname <> t.relname"
        " AND split_part(pg_get_indexdef(li.indexrelid), ' USING ', 2)"
        "  = split_part(pg_get_indexdef(ti.indexrelid), ' USING ', 2)"
        " AND li.indisunique = ti.indisunique",
        [f"{twin}.{table}", oid],
    ).fetchall()
    for found, wanted in rows:
        connection.execute(
            sql.SQL("ALTER INDEX {} RENAME TO {}").format(
                sql.Identifier(twin, found), sql.Identifier(wanted)
            )
        )


def _explain(connection: Connection, live: str, twin: str) -> None:
    kinds = {"r": "TABLE", "v": "VIEW", "S": "SEQUENCE"}
    for kind, name, comment in connection.execute(
        "SELECT relkind, relname, obj_description(oid, 'pg_class') FROM pg_class"
        " WHERE relnamespace = %s::regnamespace AND relkind = ANY (%s)"
        " AND obj_description(oid, 'pg_class') IS NOT NULL",
        [live, list(kinds)],
    ).fetchall():
        connection.execute(
            sql.SQL("COMMENT ON {} {} IS {}").format(
                sql.SQL(kinds[kind]), sql.Identifier(twin, name), sql.Literal(comment)
            )
        )

    for table, name, comment in connection.execute(
        "SELECT c.relname, o.conname, obj_description(o.oid, 'pg_constraint')"
        " FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid"
        " WHERE o.connamespace = %s::regnamespace"
        " AND obj_description(o.oid, 'pg_constraint') IS NOT NULL",
        [live],
    ).fetchall():
        connection.execute(
            sql.SQL("COMMENT ON CONSTRAINT {} ON {} IS {}").format(
                sql.Identifier(name), sql.Identifier(twin, table), sql.Literal(comment)
            )
        )


def _grant(connection: Connection, live: str, twin: str) -> None:
    for role, privilege in connection.execute(
        "SELECT a.grantee::regrole::text, a.privilege_type FROM pg_namespace n,"
        " aclexplode(n.nspacl) a WHERE n.nspname = %s AND a.grantee NOT IN (0, n.nspowner)",
        [live],
    ).fetchall():
        connection.execute(
            sql.SQL("GRANT {} ON SCHEMA {} TO {}").format(
                sql.SQL(privilege), sql.Identifier(twin), sql.SQL(role)
            )
        )
    for table, role, privilege in connection.execute(
        "SELECT c.relname, a.grantee::regrole::text, a.privilege_type FROM pg_class c,"
        " aclexplode(c.relacl) a WHERE c.relnamespace = %s::regnamespace"
        " AND c.relkind IN ('r', 'v') AND a.grantee NOT IN (0, c.relowner)",
        [live],
    ).fetchall():
        connection.execute(
            sql.SQL("GRANT {} ON {} TO {}").format(
                sql.SQL(privilege), sql.Identifier(twin, table), sql.SQL(role)
            )
        )
