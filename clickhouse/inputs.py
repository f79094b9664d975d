"""Reads what a window holds from the views, as contributions: (learner, group, amount).

True counts pass through here in memory on their way to the mechanism; nothing is kept.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

from psycopg import Connection, IsolationLevel
from psycopg_pool import ConnectionPool

from clickhouse.groups import NO_COURSE, Group
from clickhouse.plans import Plan, Source
from domain.budget import Window

Contribution: TypeAlias = tuple[UUID, Group, int]

# Whether each learner did anything in a course on a day: facts that came first within the window.
ACTIVITY = """
    SELECT learner, course, day, statements FROM views.daily_facts
    WHERE institution = %(institution)s
      AND first_position > %(after)s AND first_position <= %(until)s
"""

# Which learner completed which course within the window; each pair has one row for ever.
COMPLETIONS = """
    SELECT learner, course, NULL::date, 1 FROM views.completions
    WHERE institution = %(institution)s
      AND first_position > %(after)s AND first_position <= %(until)s
"""

_QUERIES = {
    Source.ACTIVITY: ACTIVITY,
    Source.COMPLETIONS: COMPLETIONS,
    Source.STATEMENTS: ACTIVITY,
}


@dataclass(frozen=True)
class Snapshot:
    """The views as they stand at one moment; `reflected` is the log position they have reached."""

    connection: Connection[Any]
    reflected: int

    def contributions(
        self, plan: Plan, institution: UUID, window: Window
    ) -> Iterator[Contribution]:
        """Yields what every learner did in the window, as the plan groups it."""
        whole = plan.cadence.first(window.closed.date())
        of_window = {"institution": institution, "after": window.after, "until": window.until}
        for learner, course, day, statements in self.connection.execute(
            _QUERIES[plan.source], of_window
        ):
            group = (
                course if plan.by_course else NO_COURSE,
                plan.rows.first(day) if plan.rows else whole,
            )
            yield learner, group, statements if plan.source is Source.STATEMENTS else 1


class Inputs:
    """The views of one database. `reflected` says which log position all of them have reached."""

    def __init__(
        self,
        pool: ConnectionPool[Connection[Any]],
        reflected: Callable[[Connection[Any]], int],
    ) -> None:
        self._pool = pool
        self._reflected = reflected

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """Gives one consistent sight of the views: rows and position belong together."""
        with self._pool.connection() as connection:
            before = connection.isolation_level
            connection.isolation_level = IsolationLevel.REPEATABLE_READ
            try:
                with connection.transaction():
                    yield Snapshot(connection, self._reflected(connection))
            finally:
                connection.isolation_level = before

    def reflected(self) -> int:
        """Returns the log position that the views have reached."""
        with self._pool.connection() as connection:
            return self._reflected(connection)
