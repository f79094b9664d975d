"""The schema that a rebuild fills is of the form of the live one, in all that migrations go by."""

from typing import Any

import psycopg

from lrs.settings import Settings
from stream_processors.twin import make_twin

FORM = {
    "tables, settings, reasons": (
        "SELECT c.relname, c.relkind, c.reloptions::text, c.relacl::text,"
        " obj_description(c.oid, 'pg_class') FROM pg_class c WHERE c.relnamespace = {}"
    ),
    "columns": (
        "SELECT c.relname, a.attname, a.atttypid::regtype::text, a.attnotnull, a.attstorage,"
        " col_description(c.oid, a.attnum) FROM pg_attribute a JOIN pg_class c"
        " ON c.oid = a.attrelid WHERE c.relnamespace = {} AND a.attnum > 0"
    ),
    "constraints": (
        "SELECT conname, pg_get_constraintdef(oid), obj_description(oid, 'pg_constraint')"
        " FROM pg_constraint WHERE connamespace = {} AND contype <> 'n'"
    ),
    "rights": "SELECT nspacl::text FROM pg_namespace WHERE oid = {}",
}


def form(connection: psycopg.Connection[Any], schema: str) -> dict[str, list[str]]:
    return {
        what: sorted(
            str(row)
            for row in connection.execute(
                query.format(f"'{schema}'::regnamespace").encode()
            ).fetchall()
        )
        for what, query in FORM.items()
    }


def test_a_twin_of_a_twin_is_like_the_first(settings: Settings) -> None:
    with psycopg.connect(settings.admin_dsn) as connection:
        first = form(connection, "views")
        make_twin(connection, "views", "twin")
        make_twin(connection, "twin", "twins_twin")
        assert form(connection, "twin") == first
        assert form(connection, "twins_twin") == first
        connection.rollback()
