"""Rebuild: all views anew, straight from the log, beside the old ones, swapped in at the end.

The same translation, folds and partitions as the stream, so the same bytes. The workers go on
meanwhile; at the swap they wait a moment, and then skip what the new views hold already. Needs the
right to make schemas, so it runs on the administrator's DSN.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

from domain.errors import Conflict
from lrs.services import Services
from projections.messages import Kind, Message
from projections.views import dead_letters, tracking
from projections.views.apply import STREAMS, apply_batches
from projections.views.purge import VIEWS_LOCK
from stream_processors.translate import LOG, Draft, Translator
from stream_processors.twin import make_twin

REBUILD_LOCK = 7006
PAGE = 1000
LIVE, NEXT, OLD = "views", "views_next", "views_old"
CARRIED = ("outlines", "outline_items", "flags")
"""Tables that the log does not give; flags are judged anew within seconds."""

Progress = Callable[[int, int], None]
"""Told the position reached and the last one there is."""


def rebuild(services: Services, progress: Progress) -> int:
    """Returns the position that the new views reflect. Raises Conflict while another is at it."""
    settings = services.settings
    with (
        psycopg.connect(
            settings.admin_dsn, autocommit=True, options=f"-c search_path={NEXT}"
        ) as connection,
        _alone(connection),
    ):
        _make(connection, settings.kafka_partitions)
        builder = _Builder(connection, services)
        while builder.position < (head := services.store.head()):
            builder.page(head)
            progress(builder.position, head)
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [VIEWS_LOCK])
            head = services.store.head()
            while builder.position < head:
                builder.page(head)
            builder.mark()
            _swap(connection)
        progress(head, head)
        return head


class _Builder:
    """Folds the log page by page, as relay and agents would."""

    def __init__(self, connection: psycopg.Connection[Any], services: Services) -> None:
        self.position = 0
        self._connection = connection
        self._translator = Translator(
            services.store, services.pool, services.blind, services.settings
        )
        self._partitions = services.settings.kafka_partitions

    def page(self, head: int) -> None:
        """Folds one page."""
        self.position, page = self._translator.page(self.position, PAGE, head)
        for name, batches in self._batches(page.drafts).items():
            apply_batches(self._connection, STREAMS[name], batches, rebuilding=True)
        dead_letters.keep(self._connection, LOG, page.dead)

    def mark(self) -> None:
        """Says of every partition that it reflects the position."""
        row = self._connection.execute(
            "SELECT recorded_at FROM lrs.stored_events WHERE notification_id = %s", [self.position]
        ).fetchone()
        if row is None:
            return
        mark = Message(Kind.MARK, self.position, 0, row[0])
        for stream in STREAMS.values():
            apply_batches(
                self._connection, stream, {place: [mark] for place in range(self._partitions)}
            )

    def _batches(self, drafts: Sequence[Draft]) -> dict[str, dict[int, list[Message]]]:
        batches: dict[str, dict[int, list[Message]]] = defaultdict(lambda: defaultdict(list))
        for draft in drafts:
            batches[draft.stream][draft.place(self._partitions)].append(draft.message)
        return batches


@contextmanager
def _alone(connection: psycopg.Connection[Any]) -> Iterator[None]:
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", [REBUILD_LOCK]).fetchone()
    if row is None or not row[0]:
        raise Conflict("another rebuild is under way")
    yield


def _make(connection: psycopg.Connection[Any], partitions: int) -> None:
    """Makes empty tables beside the live ones, of the same form."""
    with connection.transaction():
        make_twin(connection, LIVE, NEXT)
        tracking.prepare(connection, partitions)


def _swap(connection: psycopg.Connection[Any]) -> None:
    # What the workers read up to is no further than what was built.
    connection.execute(
        "UPDATE views_next.tracking n SET message_offset = l.message_offset"
        " FROM views.tracking l WHERE (l.stream, l.partition) = (n.stream, n.partition)"
    )
    for table in CARRIED:
        connection.execute(
            sql.SQL("INSERT INTO {} SELECT * FROM {}").format(
                sql.Identifier(NEXT, table), sql.Identifier(LIVE, table)
            )
        )
    for old, new in ((LIVE, OLD), (NEXT, LIVE)):
        connection.execute(
            sql.SQL("ALTER SCHEMA {} RENAME TO {}").format(sql.Identifier(old), sql.Identifier(new))
        )
    connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(OLD)))
