"""Imports into fresh stores: alone, with raw COPY of the same rows, and beside the streams."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from domain.credentials import Credential
from infra.imports.acceptor import Acceptor
from infra.imports.importer import Importer
from infra.imports.source import open_source
from infra.local.postgres import Postgres
from lrs.services import Services, open_services
from lrs.settings import Settings
from tests.conftest import drop_database, fresh_database, migrated
from tests.pipeline import streams

BATCH = 200
CATCH_UP_SECONDS = 900.0


class Stores:
    """Makes fresh stores on one server."""

    def __init__(self, postgres: Postgres, folder: Path, template: str = "") -> None:
        self._postgres = postgres
        self._template = template or migrated(postgres, folder / "template")
        self._folder = folder
        self._count = 0

    @contextmanager
    def empty(self, **more: Any) -> Iterator[Settings]:
        """Gives settings of an empty store, and more settings, for as long as it is used."""
        self._count += 1
        data = self._folder / f"store{self._count}"
        data.mkdir(exist_ok=True)
        settings = fresh_database(self._postgres, self._template, data)
        try:
            yield settings.model_copy(update=more)
        finally:
            drop_database(self._postgres, settings)

    @contextmanager
    def fresh(self, **more: Any) -> Iterator[Services]:
        """Gives the services of an empty store, for as long as it is used."""
        with self.empty(**more) as settings:
            services = open_services(settings)
            try:
                yield services
            finally:
                services.close()


class Alone(NamedTuple):
    """How many statements; how many a second, rows a second of raw COPY, bytes of a row."""

    statements: int
    imported: float
    copied: float
    bytes_per_row: float


def alone(stores: Stores, files: list[Path]) -> Alone:
    """Returns how fast the files go in where nothing else runs, and their rows by COPY."""
    with stores.fresh() as services:
        count, seconds = _import(services, files)
        rows = _rows(services.settings)
        copied = _copy(services.settings, rows)
    return Alone(count, count / seconds, count / copied, sum(map(len, rows)) / count)


class Streamed(NamedTuple):
    """Statements a second while the streams run; seconds from the import's end to the views'."""

    imported: float
    behind: float


def streamed(stores: Stores, files: list[Path], kafka: str, prefix: str) -> Streamed:
    """Returns how fast the files go in beside the streams, and when the views have all."""
    with (
        stores.fresh(kafka=kafka, topic_prefix=prefix) as services,
        streams(services.settings) as running,
    ):
        count, seconds = _import(services, files)
        behind = running.wait(services.store.head(), CATCH_UP_SECONDS)
    return Streamed(count / seconds, behind)


def _import(services: Services, files: list[Path]) -> tuple[int, float]:
    """Returns how many statements were recorded, and in how many seconds."""
    institution = services.institutions.create("bench").institution
    acceptor = Acceptor(services, Credential("bench", institution, "bench", frozenset()))
    folder = services.settings.data / "imports"
    importer = Importer(acceptor, institution, folder, batch=BATCH, longest=1 << 24)
    count, started = 0, time.perf_counter()
    for file in files:
        source = open_source(str(file))
        count += importer.run(source).progress.accepted
        source.close()
    return count, time.perf_counter() - started


def _rows(settings: Settings) -> list[bytes]:
    """Returns the sealed rows of the log in COPY's binary format."""
    query = "COPY lrs.stored_events TO STDOUT (FORMAT binary)"
    with (
        psycopg.connect(settings.admin_dsn) as connection,
        connection.cursor() as cursor,
        cursor.copy(query) as copy,
    ):
        return [bytes(chunk) for chunk in copy]


def _copy(settings: Settings, rows: list[bytes]) -> float:
    """Returns how many seconds COPY takes into an equal table, indexes and commit included."""
    with psycopg.connect(settings.admin_dsn) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE lrs.copied (LIKE lrs.stored_events INCLUDING ALL)")
        connection.commit()
        started = time.perf_counter()
        with cursor.copy("COPY lrs.copied FROM STDIN (FORMAT binary)") as copy:
            for chunk in rows:
                copy.write(chunk)
        connection.commit()
        return time.perf_counter() - started
