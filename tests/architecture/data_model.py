"""Prints the tables of docs/data-model.md from the comments in a migrated database.

`python -m tests.architecture.data_model DSN` prints them; a test compares them with the page.
"""

import sys

import psycopg

QUERY = """
SELECT n.nspname || '.' || c.relname, coalesce(obj_description(c.oid), ''),
    a.attname, format_type(a.atttypid, NULL), coalesce(col_description(c.oid, a.attnum), '')
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE n.nspname IN ('lrs', 'keystore', 'views', 'streams') AND c.relkind IN ('r', 'p')
ORDER BY array_position(ARRAY['lrs', 'keystore', 'streams', 'views']::name[], n.nspname),
    c.relname, a.attnum
"""


def tables(dsn: str) -> str:
    """Returns a markdown section for each table: what it is, and its columns."""
    lines: list[str] = []
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(QUERY).fetchall()
    current = None
    for table, meaning, column, kind, comment in rows:
        if table != current:
            lines += ["", f"### `{table}`", "", meaning, "", "| column | type | meaning |"]
            lines.append("| --- | --- | --- |")
            current = table
        lines.append(f"| `{column}` | {kind} | {comment} |")
    return "\n".join(lines).strip()


if __name__ == "__main__":
    sys.stdout.write(tables(sys.argv[1]) + "\n")
