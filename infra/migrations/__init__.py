"""Brings the databases to the newest schema: numbered SQL files, forward only, each once, online.

`files` reads them, `book` knows which a database has, `apply` applies what is missing, `plan` tells
of it beforehand. Each package keeps its own files beside its code; nothing here knows a table.

A file `NNNN_name.sql` is one transaction. A file `NNNN_name.concurrent.sql` goes statement by
statement, each by itself: what must not hold a lock while it reads a big table (CREATE INDEX
CONCURRENTLY, VALIDATE CONSTRAINT). Neither ever waits long for a lock, because all writers would
wait behind it: it gives up, lets them pass and tries again.
"""

from infra.migrations.apply import Blocked, migrate
from infra.migrations.book import Changed, Newer, Outdated, check
from infra.migrations.files import SERIES, Migration, Series, migrations
from infra.migrations.plan import Step, plan

__all__ = [
    "SERIES",
    "Blocked",
    "Changed",
    "Migration",
    "Newer",
    "Outdated",
    "Series",
    "Step",
    "check",
    "migrate",
    "migrations",
    "plan",
]
