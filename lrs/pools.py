"""Connections to a database: how long a request waits for them in all, and what when it is away.

One request needs a connection several times. Were each wait allowed `pool_timeout`, a request in an
overloaded process could wait many times as long before it is refused; so its waits share one.

While the database is away nobody waits: one request a second tries, the others are refused at once.
The library's own bound (`max_waiting`) is not used: it counts those too who gave up long ago, until
a connection comes back, and asks for none while it refuses (psycopg-pool 3.3).
"""

from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from time import monotonic
from typing import Any

import psycopg
from psycopg import sql
from psycopg_pool import ConnectionPool, PoolTimeout

from lrs.settings import Settings

STATEMENT_TIMEOUT = "10s"
GIVE_UP_SECONDS = 2.0
"""How long new connections are tried for before the database counts as away."""
TRY_SECONDS = 1.0
AT_ONCE = 0.001
"""Seconds: what is free is given to those who have waited all they may, too."""


@dataclass(slots=True)
class _Patience:
    left: float


_PATIENCE: ContextVar[_Patience | None] = ContextVar("patience", default=None)


def patience(seconds: float | None) -> None:
    """Lets this thread wait for connections so long in all, from now on; None: each time anew."""
    _PATIENCE.set(None if seconds is None else _Patience(seconds))


class Pool(ConnectionPool[psycopg.Connection[Any]]):
    """Connections that nobody waits for longer than patience lasts. Thread-safe."""

    def __init__(self, dsn: str, **given: Any) -> None:
        self._away = False
        self._next_try = 0.0
        super().__init__(
            dsn, reconnect_timeout=GIVE_UP_SECONDS, reconnect_failed=self._lose, **given
        )

    def getconn(self, timeout: float | None = None) -> psycopg.Connection[Any]:
        """Returns a connection; raises PoolTimeout."""
        if self._away:
            self._try_seldom()
        most = self.timeout if timeout is None else timeout
        patient = _PATIENCE.get() or _Patience(most)
        began = monotonic()
        try:
            connection = super().getconn(max(AT_ONCE, min(most, patient.left)))
        finally:
            patient.left -= monotonic() - began
        self._away = False
        return connection

    def putconn(self, conn: psycopg.Connection[Any]) -> None:
        """Takes a connection back; where it broke, those that lie idle broke with it: all are new.

        Else each of them would refuse a request of its own, long after the server came back.
        """
        broken = conn.closed
        super().putconn(conn)
        if broken:
            self.drain()

    def _lose(self, _: ConnectionPool[Any]) -> None:
        self._away = True

    def _try_seldom(self) -> None:
        # Two who look at the same moment both try; that does no harm.
        now = monotonic()
        if now < self._next_try:
            raise PoolTimeout("the database is away")
        self._next_try = now + TRY_SECONDS


def open_pool(dsn: str, settings: Settings, **more: Any) -> Pool:
    """Returns an open pool of autocommit connections; waits `pool_timeout` for a free one."""
    return Pool(
        dsn,
        min_size=1,
        max_size=settings.pool_size,
        timeout=settings.pool_timeout,
        kwargs={
            "autocommit": True,
            "application_name": "kumbuka",
            "options": f"-c statement_timeout={STATEMENT_TIMEOUT}"
            f" -c lock_timeout={round(settings.lock_timeout * 1000)}"
            " -c idle_in_transaction_session_timeout=30s",
        },
        open=True,
        **more,
    )


def number(pool: ConnectionPool[Any], query: str | sql.Composable, params: Sequence[Any]) -> int:
    """Returns the number that a query is about: the first column of its only row."""
    with pool.connection() as connection:
        told = query.encode() if isinstance(query, str) else query
        row = connection.execute(told, params).fetchone()
    assert row is not None
    return int(row[0])
