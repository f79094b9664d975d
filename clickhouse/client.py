"""The connection to ClickHouse: one small client for shipping and reads.

Connects when first used, so that a process starts while ClickHouse is down. Every failure to
answer becomes Overloaded: the caller comes back, nothing is lost.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.resources import files
from threading import Lock
from typing import Any

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from domain.errors import Overloaded


class ClickHouse:
    """One server, by its HTTP URL; safe to share between threads."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client: Client | None = None
        self._lock = Lock()

    def query(self, sql: str, parameters: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        """Returns the rows of a query; raises Overloaded where ClickHouse does not answer."""
        with self._connected() as client:
            return client.query(sql, parameters=dict(parameters)).result_rows

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Inserts rows durably; raises Overloaded where ClickHouse does not answer."""
        with self._connected() as client:
            client.insert(table, rows, column_names=columns)

    def close(self) -> None:
        """Closes the connection; the next use opens it again."""
        with self._lock:
            if self._client is not None:
                self._client.close()
            self._client = None

    @contextmanager
    def _connected(self) -> Iterator[Client]:
        try:
            yield self._open()
        except (ClickHouseError, OSError) as error:
            raise Overloaded("the analytics store does not answer", retry_after=10) from error

    def _open(self) -> Client:
        with self._lock:
            if self._client is None:
                client = clickhouse_connect.get_client(
                    dsn=self._url,
                    autogenerate_session_id=False,  # sessions are not for threads
                    tz_mode="aware",
                    connect_timeout=5,
                    send_receive_timeout=30,
                )
                for statement in _schema():
                    client.command(statement)
                self._client = client
            return self._client


def _schema() -> list[str]:
    """Returns the statements of the schema files, in order; each may run again."""
    folder = files("clickhouse") / "schema"
    texts = sorted((entry.name, entry.read_text()) for entry in folder.iterdir())
    return [
        statement
        for _, text in texts
        for statement in map(str.strip, text.split(";\n"))
        if statement
    ]
