"""The views of an institution that is moving in: folded from the log of its new shard as it grows.

The same translation, folds and partitions as the stream, which leaves this to us
(`projections.views.moved`). Nobody reads these rows before the move is over.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg

from domain.errors import Conflict
from lrs.services import Services
from projections.messages import Message
from projections.views.apply import apply_arriving
from projections.views.purge import ViewsPurger
from stream_processors.agents import connect
from stream_processors.rebuild import REBUILD_LOCK
from stream_processors.translate import Translator

PAGE = 1000


class Arrival:
    """Folds the arrivals of one institution, in order; each `fold` goes on from the one before."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        services: Services,
        institution: UUID,
        tell: Callable[[int], None],
    ) -> None:
        self._connection = connection
        self._institution = institution
        self._partitions = services.settings.kafka_partitions
        self._translator = Translator(
            services.store, services.pool, services.blind, services.settings
        )
        self._tell = tell
        self._after = 0
        self._folded = 0

    def fold(self) -> None:
        """Folds everything that has arrived since."""
        while positions := self._next():
            self._fold(positions)
            self._folded += len(positions)
            self._tell(self._folded)

    def _next(self) -> list[int]:
        rows = self._connection.execute(
            "SELECT came_from, position FROM lrs.arrivals"
            " WHERE institution = %s AND came_from > %s ORDER BY came_from LIMIT %s",
            [self._institution, self._after, PAGE],
        ).fetchall()
        if rows:
            self._after = rows[-1][0]
        return [position for _, position in rows]

    def _fold(self, positions: list[int]) -> None:
        # What could not be read the relay of this shard puts aside, as it passes.
        arriving: dict[str, list[tuple[int, Message]]] = defaultdict(list)
        for draft in self._translator.at(positions).drafts:
            arriving[draft.stream].append((draft.place(self._partitions), draft.message))
        apply_arriving(self._connection, arriving)


@contextmanager
def arriving(
    services: Services, institution: UUID, tell: Callable[[int], None]
) -> Iterator[Callable[[], None]]:
    """Gives what folds all that has arrived until it is called, from empty views on.

    `services` are those of the shard where it arrives, whose gate must be shut to it. Raises
    `Conflict` while a rebuild is under way there; none begins meanwhile.
    """
    with connect(services.settings, "kumbuka move") as connection:
        row = connection.execute(
            "SELECT pg_try_advisory_lock_shared(%s)", [REBUILD_LOCK]
        ).fetchone()
        if row is None or not row[0]:
            raise Conflict("the views of that shard are being rebuilt: move when that is done")
        # Of an attempt before this one.
        ViewsPurger(services.pool).purge_all(institution)
        yield Arrival(connection, services, institution, tell).fold
