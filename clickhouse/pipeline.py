"""The pipeline put together: views in, ledger, ClickHouse out. For processes and commands."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Self
from uuid import UUID

from psycopg import Connection
from psycopg_pool import ConnectionPool

from clickhouse.client import ClickHouse
from clickhouse.groups import History
from clickhouse.inputs import Inputs
from clickhouse.mechanisms.accounting import Budget, budget
from clickhouse.plans import Plan
from clickhouse.releases import LedgerStore, Releases
from clickhouse.shipping import ship_missing
from domain.budget import Released

RECENT = 2  # terms whose releases are looked after: this one and the one before
POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Pipeline:
    """Releases what is due and brings it to ClickHouse."""

    releases: Releases
    inputs: Inputs
    client: ClickHouse

    @classmethod
    def over(
        cls,
        store: LedgerStore,
        pool: ConnectionPool[Connection[Any]],
        *,
        reflected: Callable[[Connection[Any]], int],
        url: str,
        epsilon: float,
        delta: float,
    ) -> Self:
        """Returns the pipeline of an instance; connects to ClickHouse when first needed.

        `reflected` reads the log position that all views have reached.
        """
        inputs = Inputs(pool, reflected)
        given = term_budget(epsilon, delta)
        return cls(Releases(store, inputs, budget=given, clock=_now), inputs, ClickHouse(url))

    def caught_up(
        self, position: int, seconds: float, stopped: Callable[[], bool] = lambda: False
    ) -> bool:
        """Returns whether the views reach this log position within `seconds`."""
        until = time.monotonic() + seconds
        while self.inputs.reflected() < position:
            if time.monotonic() > until or stopped():
                return False
            time.sleep(POLL_SECONDS)
        return True

    def ship(self, institution: UUID, terms: int = RECENT) -> int:
        """Ships what ClickHouse lacks of the last terms; returns how many releases that was."""
        return ship_missing(self.client, institution, self.releases.released(institution, terms))

    def release(
        self, institution: UUID, plans: Iterable[tuple[Plan, History | None]]
    ) -> list[Released]:
        """Releases a window of each plan and returns them; they are shipped by `ship`.

        Raises BudgetExhausted at the first that cannot be paid; those before stand.
        """
        made = (self.releases.release(institution, plan, past) for plan, past in plans)
        return [released for released in made if released]


@cache
def term_budget(epsilon: float, delta: float) -> Budget:
    """Returns `mechanisms.accounting.budget`, computed once."""
    return budget(epsilon, delta)


def _now() -> datetime:
    return datetime.now(UTC)
