"""Section `memory`: what every process holds before, during and after load.

PSS counts a page that several processes share once, in parts: the sum over Postgres has its
shared buffers once. RSS counts them in every process that has touched them.
"""

import threading
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

import psutil

from infra.local.process import LOOPBACK
from tests.bench.corpus import corpus
from tests.bench.place import Bench, Place
from tests.bench.table import markdown

MIB = 2**20
SETTLE_SECONDS = 5.0
SIZE = 100


@dataclass
class Held:
    """MiB of a process, or of several of one kind together."""

    count: int = 0
    rss: float = 0.0
    pss: float = 0.0
    private: float = 0.0


Sample = dict[str, Held]


def sample(place: Place) -> Sample:
    """Returns what each kind of process holds now, and the sum of each part."""
    found: Sample = defaultdict(Held)
    for part, processes in place.processes().items():
        for number, process in enumerate(processes):
            with suppress(psutil.NoSuchProcess):
                memory, kind = process.memory_full_info(), _kind(part, number, process)
                for name in (kind, f"{part}, all"):
                    held = found[name]
                    held.count += 1
                    held.rss += memory.rss / MIB
                    held.pss += memory.pss / MIB
                    held.private += memory.uss / MIB
    return dict(found)


@dataclass
class Watch:
    """Takes a sample every few seconds while it is entered; `taken` has them with their time."""

    place: Place
    every: float
    taken: list[tuple[float, Sample]] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._over = threading.Event()
        self._started = time.perf_counter()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(self.every):
            self.taken.append((time.perf_counter() - self._started, sample(self.place)))


def run(bench: Bench) -> None:
    """Measures and prints."""
    seconds = bench.options.seconds / 2
    with bench.place() as place:
        statements = corpus().shuffled()
        count = bench.options.statements // 2
        queue = place.make.posts((next(statements) for _ in range(count)), SIZE)
        before = sample(place)
        with Watch(place, max(seconds / 20, 0.2)) as watch:
            result = place.send(queue, connections=bench.options.connections, seconds=seconds)
        time.sleep(min(SETTLE_SECONDS, seconds))
        after = sample(place)
    what = f"{seconds:,.0f} s of batches of {SIZE}, {result.rate:,.0f} statements/s"
    print(f"\n### Memory in MiB: {what}\n")
    during = [taken for _, taken in watch.taken] or [after]
    kinds = dict.fromkeys(kind for taken in (before, *during, after) for kind in taken)
    rows = [_row(kind, [before], during, [after]) for kind in sorted(kinds)]
    head = ("process", "how many", "PSS before", "greatest during", "after", "greatest RSS")
    print(markdown((*head, "greatest private"), rows))


def _row(kind: str, *phases: list[Sample]) -> list[str]:
    found = [[taken[kind] for taken in phase if kind in taken] for phase in phases]
    every = [held for phase in found for held in phase]
    return [
        kind,
        str(max(held.count for held in every)),
        *(f"{max((held.pss for held in phase), default=0):,.0f}" for phase in found),
        f"{max(held.rss for held in every):,.0f}",
        f"{max(held.private for held in every):,.0f}",
    ]


def _kind(part: str, number: int, process: psutil.Process) -> str:
    if part == "API":
        return f"API worker {number}" if number else "API, the process that starts them"
    title = " ".join(process.cmdline()).strip()
    if f"{LOOPBACK}(" in title:
        return "Postgres, backends together"
    if number == 0:
        return "Postgres, the process that starts them"
    return f"Postgres, {' '.join(title.removeprefix('postgres: ').split()[:2])}"
