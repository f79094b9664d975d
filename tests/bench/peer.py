"""Section `peer`: another learning record store, with the same requests from the same generator.

The peer is Ralph of France Universite Numerique (MIT), from its package, in an environment of its
own that is made for the run; none of it is part of this project. It runs as its documentation
says: uvicorn, two workers, its ClickHouse backend, here on the engine that `lrs up` brings. Its
`fs` backend takes one request and refuses the next; the others need servers that no package
brings. What a rate stands for differs, and is printed beside it.
"""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import psutil
from clickhouse_connect import get_client

from infra.local.clickhouse import ClickHouse
from infra.local.clickhouse_front import USER
from infra.local.process import LOOPBACK, free_port, listens
from tests.bench.corpus import corpus
from tests.bench.ingest import Run
from tests.bench.load import Plan
from tests.bench.place import WORKERS, Bench, cpu_of
from tests.bench.requests import Maker
from tests.bench.table import markdown, quantile, spread

RALPH = "5.1.0"
PACKAGES = (
    f"ralph-malph[backend-clickhouse,cli,lrs]=={RALPH}",
    "requests==2.34.2",  # it imports it without asking for it
)
DATABASE, TABLE = "xapi", "xapi_events_all"
KEY, SECRET = "bench", "secret"
START_SECONDS = 60.0
WARM_SECONDS = 10.0
"""For so long the peer is sent requests before it is measured: its workers are slow to start."""
SHAPES = {"batches of 100, 8 connections": (100, 8), "one by one, 64 connections": (1, 64)}
DIFFERENCE = """
What the peer does not do here: its ClickHouse does not fsync what it answers for; content is kept
in clear, without a key for each person; there is no index but by time and id, so that a query by
agent reads all rows; a batch is looked up by ids before it is written, in another transaction. It
answers once ClickHouse has gathered an asynchronous insert, which sets the least time of a write.
Its engine here is embedded, behind a front that opens a session for each request: a server of its
own would take less CPU for it, above all for single statements; the column says how much it is.
"""


@dataclass(frozen=True)
class Store:
    """Something to measure: where it listens, with which credential, and its processes."""

    port: int
    make: Maker
    processes: Callable[[], dict[str, list[psutil.Process]]]


def run(bench: Bench) -> None:
    """Measures both, in turn, and prints."""
    found: dict[tuple[str, str], list[Run]] = {}
    with _peer(bench.folder) as peer, bench.place() as place:
        ours = Store(place.server.port, place.make, place.processes)
        stores = {"Kumbuka LRS": ours, f"Ralph {RALPH}": peer}
        _measure(bench, peer, 1, 16, WARM_SECONDS)
        for _ in range(bench.options.repeats):
            for shape, (size, connections) in SHAPES.items():
                for name, store in stores.items():
                    run = _measure(bench, store, size, connections, bench.options.seconds / 6)
                    found.setdefault((shape, name), []).append(run)
    print(f"\n### Beside a peer, both with {WORKERS} worker processes: {corpus().name}\n")
    print(markdown(HEAD, [_row(*names, runs) for names, runs in sorted(found.items())]))
    print(DIFFERENCE)


def _measure(bench: Bench, store: Store, size: int, connections: int, seconds: float) -> Run:
    count = min(bench.options.statements, 20_000 if size > 1 else 2_000)
    queue = store.make.posts(islice(corpus().in_order(size), count), size)
    before = _cpu(store)
    result = bench.generator.run(Plan(store.port, [queue], connections, seconds))
    after = _cpu(store)
    return Run(result, {part: after[part] - before[part] for part in after})


def _cpu(store: Store) -> dict[str, float]:
    return {part: sum(map(cpu_of, found)) for part, found in store.processes().items()}


HEAD = (
    *("requests", "store", "statements/s", "P50 ms", "P99 ms", "statuses"),
    *("CPU us/statement: API", "database"),
)


def _row(shape: str, store: str, runs: list[Run]) -> list[str]:
    statuses: Counter[int] = sum((run.result.statuses for run in runs), Counter())
    times = [time for run in runs for time in run.result.latencies()]
    statements = sum(run.result.statements for run in runs)
    used = [sum(run.cpu[part] for run in runs) for part in runs[0].cpu]
    return [
        shape,
        store,
        spread([run.result.rate for run in runs]),
        *(f"{quantile(times, share):,.1f}" for share in (0.5, 0.99)),
        str(dict(statuses)),
        *(f"{seconds / max(statements, 1) * 1e6:,.0f}" for seconds in used),
    ]


@contextmanager
def _peer(folder: Path) -> Iterator[Store]:
    """Gives a running peer, its engine beside it."""
    python = _environment(folder / "peer")
    engine = ClickHouse(folder / "clickhouse")
    engine.start()
    password = (folder / "clickhouse" / "password").read_text()
    try:
        client = get_client(host=LOOPBACK, port=engine.port, username=USER, password=password)
        client.command(f"CREATE DATABASE {DATABASE}")
        client.command(
            f"CREATE TABLE {DATABASE}.{TABLE} (event_id UUID NOT NULL,"
            " emission_time DateTime64(6) NOT NULL, event String NOT NULL)"
            " ENGINE MergeTree ORDER BY (emission_time, event_id)"
            " PRIMARY KEY (emission_time, event_id)"
        )
        backend = "RALPH_BACKENDS__LRS__CLICKHOUSE__"
        settings = {
            "RALPH_APP_DIR": str(folder / "peer"),
            "RALPH_AUTH_FILE": str(folder / "peer" / "auth.json"),
            "RALPH_RUNSERVER_BACKEND": "clickhouse",
            f"{backend}HOST": LOOPBACK,
            f"{backend}PORT": str(engine.port),
            f"{backend}DATABASE": DATABASE,
            f"{backend}EVENT_TABLE_NAME": TABLE,
            f"{backend}USERNAME": USER,
            f"{backend}PASSWORD": password,
        }
        with _server(python, folder / "peer", settings) as (port, server):
            make = Maker(KEY, SECRET, "/xAPI/statements")
            yield Store(
                port,
                make,
                lambda: {
                    "API": [server, *server.children(recursive=True)],
                    "database": [psutil.Process(engine.pid)],
                },
            )
    finally:
        engine.stop()


def _environment(folder: Path) -> Path:
    """Returns the Python of a new environment that has the peer."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = folder / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, *PACKAGES], check=True)
    return python


@contextmanager
def _server(
    python: Path, folder: Path, settings: dict[str, str]
) -> Iterator[tuple[int, psutil.Process]]:
    """Gives the port and the process of the peer's API."""
    environment = {**os.environ, **settings}
    credential = ["auth", "-u", KEY, "-p", SECRET, "-s", "all", "-N", KEY]
    subprocess.run(
        [str(python.with_name("ralph")), *credential, "-M", f"mailto:{KEY}@example.org", "-w"],
        env=environment,
        cwd=folder,
        check=True,
        capture_output=True,
    )
    port = free_port()
    command = [str(python), "-m", "uvicorn", "ralph.api:app", "--workers", str(WORKERS)]
    quiet = ["--no-access-log", "--log-level", "warning"]
    with (folder / "peer.log").open("wb") as log:
        child = subprocess.Popen(
            [*command, "--host", LOOPBACK, "--port", str(port), *quiet],
            env=environment,
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        until = time.monotonic() + START_SECONDS
        while not listens(port) or len(psutil.Process(child.pid).children()) < WORKERS:
            assert child.poll() is None, (folder / "peer.log").read_text()[-3000:]
            assert time.monotonic() < until, "the peer does not listen"
            time.sleep(0.1)
        yield port, psutil.Process(child.pid)
    finally:
        child.terminate()
        child.wait()
