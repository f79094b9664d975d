"""Where is measured: one Postgres for a run, fresh stores on it, and an API over each.

Postgres is durable as in production (fsync, synchronous commits); the API runs in its own
processes and is asked over loopback.
"""

import argparse
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import psycopg

from domain.roles import Role
from infra.local.postgres import Postgres
from lrs.settings import Settings
from tests.bench.corpus import corpus
from tests.bench.fill import fill
from tests.bench.load import Generator, Plan, Result
from tests.bench.requests import Maker, Request
from tests.bench.store import Stores
from tests.server import Server, issued

WORKERS = 2
"""API processes: as many as there are cores."""
WARM = 64
"""Requests that are sent before the clock starts: connections, plans and credentials are known."""


@dataclass
class Place:
    """A store with an API over it, and an institution of it."""

    settings: Settings
    server: Server
    postgres: Postgres
    institution: UUID
    make: Maker
    generator: Generator

    def send(self, *queues: list[Request], connections: int, seconds: float = 0.0) -> Result:
        """Returns what came back of the requests; one queue for all connections, or one each."""
        return self.generator.run(Plan(self.server.port, list(queues), connections, seconds))

    def warm(self) -> None:
        """Lets every API process meet the credential and open its connections."""
        statements = corpus().in_order(1)
        requests = self.make.posts((next(statements) for _ in range(WARM)), 1)
        statuses = self.send(requests, connections=16).statuses
        assert set(statuses) == {200}, f"{statuses}: {self.server.log.read_text()[-3000:]}"

    def ask(self, query: str, *params: Any) -> list[tuple[Any, ...]]:
        """Returns rows of the database, as the owner of its schemas."""
        with psycopg.connect(self.settings.admin_dsn, autocommit=True) as connection:
            return connection.execute(query.encode(), params).fetchall()

    def do(self, command: str) -> None:
        """Runs a command in the database, as the owner of its schemas."""
        with psycopg.connect(self.settings.admin_dsn, autocommit=True) as connection:
            connection.execute(command.encode())

    def counted(self) -> int:
        """Returns how many statements the log holds."""
        topic = "statement.stored"
        return int(self.ask("SELECT count(*) FROM lrs.stored_events WHERE topic = %s", topic)[0][0])

    def troubles(self) -> Counter[str]:
        """Returns deadlocks and rollbacks of the database, ever."""
        time.sleep(1.1)  # backends tell at most once a second
        ((deadlocks, rollbacks),) = self.ask(
            "SELECT deadlocks, xact_rollback FROM pg_stat_database"
            " WHERE datname = current_database()"
        )
        return Counter(deadlocks=deadlocks, rollbacks=rollbacks)

    def processes(self) -> dict[str, list[psutil.Process]]:
        """Returns the processes of each part that run now."""
        top = psutil.Process(self.postgres.pid)
        return {"API": self.server.processes(), "Postgres": [top, *top.children(recursive=True)]}

    def cpu(self) -> Counter[str]:
        """Returns the seconds of CPU that each part has used, ended processes included."""
        return Counter({part: sum(map(cpu_of, found)) for part, found in self.processes().items()})


def cpu_of(process: psutil.Process) -> float:
    """Returns the seconds of CPU of a process, and of its children that have ended."""
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)


class Bench:
    """What every section is given: the options, and places to measure in."""

    def __init__(self, options: argparse.Namespace, folder: Path, stack: ExitStack) -> None:
        self.options = options
        self.folder = folder
        self._stack = stack

    @cached_property
    def postgres(self) -> Postgres:
        """The server, started when it is first needed."""
        server = Postgres(self.folder / "postgres")
        server.start()
        self._stack.callback(server.stop)
        return server

    @cached_property
    def stores(self) -> Stores:
        """Makes fresh stores on the server."""
        return Stores(self.postgres, self.folder)

    @cached_property
    def generator(self) -> Generator:
        """The load generator's process."""
        generator = Generator()
        self._stack.callback(generator.close)
        return generator

    @contextmanager
    def place(self, filled: int = 0, **settings: Any) -> Iterator[Place]:
        """Gives a store that was filled so far, with an API over it, for as long as it is used."""
        with self.stores.empty(api_workers=WORKERS, **settings) as made:
            institution, key, secret = issued(made, Role.TOOL)
            if filled:
                fill(made, institution, filled, key)
            server = Server(made)
            server.start()
            try:
                make = Maker(key, secret)
                place = Place(made, server, self.postgres, institution, make, self.generator)
                place.warm()
                yield place
            finally:
                server.stop()
