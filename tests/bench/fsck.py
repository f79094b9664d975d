"""Section `fsck`: how fast a store is judged, beside reading it.

The store is filled, and nobody writes. Each repeat does the same with the same statements: raw COPY
out of all rows that they are, reading and opening every event, and `lrs fsck`, by this process
alone and by a process for each core. Starting the processes is in the rate.
"""

import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from statistics import median
from typing import NamedTuple

import psutil
import psycopg

from lrs.fsck import fsck
from lrs.fsck.session import FIRST, Scope, Session, open_session
from lrs.fsck.stretch import BATCH, Stretch, stretches
from lrs.fsck.workers import workers
from lrs.services import Services, open_services
from tests.bench.corpus import corpus
from tests.bench.fill import CPUS, TABLES, fill
from tests.bench.place import Bench, cpu_of
from tests.bench.table import markdown, spread

Work = Callable[[Services], None]


class Taken(NamedTuple):
    """Seconds: by the clock, and of CPU of our processes and of Postgres with all its own."""

    wall: float
    ours: float
    postgres: float


def run(bench: Bench) -> None:
    """Measures and prints."""
    size = bench.options.sizes[-1]
    works: dict[str, Work] = {
        "raw COPY out of log, index and postings; 1 connection": copy_out,
        f"every event read and opened; {CPUS} processes": partial(read, processes=CPUS),
        "fsck, in one process": partial(judge, processes=0),
        f"fsck; {CPUS} processes": partial(judge, processes=CPUS),
    }
    taken: dict[str, list[Taken]] = {name: [] for name in works}
    with bench.stores.empty() as settings, closing(open_services(settings)) as services:
        fill(settings, services.institutions.create("bench").institution, size)
        for _ in range(bench.options.repeats):
            for name, work in works.items():
                taken[name].append(_measured(bench, partial(work, services)))
    print(f"\n### Judging {size:,} statements, 1 institution: {corpus().name}\n")
    rows = [
        (
            name,
            spread([size / each.wall for each in found]),
            f"{median(each.ours for each in found) / size * 1e6:.1f}",
            f"{median(each.postgres for each in found) / size * 1e6:.1f}",
        )
        for name, found in taken.items()
    ]
    print(markdown(("", "statements/s", "CPU: ours", "Postgres"), rows))
    print("\nCPU is of all processes of a part, in us a statement, median of the repeats.")


def copy_out(services: Services) -> None:
    """Reads all rows, sealed as they are, and does nothing with them."""
    with (
        psycopg.connect(services.settings.admin_dsn) as connection,
        connection.cursor() as cursor,
    ):
        for table in TABLES:
            with cursor.copy(f"COPY {table} TO STDOUT (FORMAT binary)".encode()) as copy:
                while copy.read():
                    pass


def read(services: Services, processes: int) -> None:
    """Reads and opens every event, in processes as fsck has them, and does nothing with them."""
    scope = Scope(services.store.head(), FIRST)
    with open_session(services, scope) as session, workers(session, processes) as running:
        found = sum(running.each(opened, stretches(session.records, scope)))
    assert found


def opened(session: Session, stretch: Stretch) -> int:
    """Returns how many events of a stretch open."""
    return len(session.services.store.read(stretch.after, BATCH, stretch.last))


def judge(services: Services, processes: int) -> None:
    """Judges the whole store."""
    report = fsck(services, processes=processes)
    assert report.clean, report.kinds


def _measured(bench: Bench, work: Callable[[], None]) -> Taken:
    before, started = _cpu(bench), time.perf_counter()
    work()
    wall, after = time.perf_counter() - started, _cpu(bench)
    return Taken(wall, after[0] - before[0], after[1] - before[1])


def _cpu(bench: Bench) -> tuple[float, float]:
    """Returns the seconds of CPU that we and Postgres have used, with what has ended."""
    used = [getrusage(who) for who in (RUSAGE_SELF, RUSAGE_CHILDREN)]
    top = psutil.Process(bench.postgres.pid)
    server = [top, *top.children(recursive=True)]
    return sum(one.ru_utime + one.ru_stime for one in used), sum(map(cpu_of, server))
