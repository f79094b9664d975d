"""Section `shared`: what sharing actors and activities between connections costs.

A write that updates rows which others update too waits for them, or deadlocks. Here every case is
measured beside one where no connection names an actor or activity of another, on the same store.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from tests.bench.corpus import among, apart, corpus
from tests.bench.ingest import Run, observed
from tests.bench.place import Bench, Place
from tests.bench.requests import Request
from tests.bench.table import markdown, spread

CONNECTIONS = (4, 8)
SIZE = 100
ACTIVITIES = 1000
CASES = (
    "each connection its own",
    "mixed and shuffled, all shared",
    "shared, 100 actors",
    "shared, 10,000 actors",
)


@dataclass
class Found:
    """Of one case: a rate for each repeat, failures, and what Postgres counted."""

    rates: list[float] = field(default_factory=list)
    failures: int = 0
    deadlocks: int = 0
    rollbacks: int = 0


def run(bench: Bench) -> None:
    """Measures and prints."""
    rows = []
    for connections in CONNECTIONS:
        found = {case: Found() for case in CASES}
        for number in range(bench.options.repeats):
            turned = number % len(CASES)  # whoever comes first finds the smaller store
            with bench.place() as place:
                for case in CASES[turned:] + CASES[:turned]:
                    _measure(place, case, connections, bench.options.statements // 2, found[case])
        alone = found[CASES[0]].rates
        for case, of in found.items():
            ratios = [rate / base for rate, base in zip(of.rates, alone, strict=True)]
            counts = (of.failures, of.deadlocks, of.rollbacks)
            rows.append(
                (
                    case,
                    str(connections),
                    spread(of.rates),
                    spread(ratios, 2),
                    *map(str, counts),
                )
            )
    print(f"\n### Shared and shuffled data, batches of {SIZE}: {corpus().name}\n")
    head = ("statements", "connections", "statements/s", "of unshared", "failed", "deadlocks")
    print(markdown((*head, "rollbacks"), rows))
    print(
        "\nThe last two from pg_stat_database. With a number of actors, actors are drawn at random"
        f" from so many and objects from {ACTIVITIES:,} activities."
    )


def _measure(place: Place, case: str, connections: int, count: int, found: Found) -> None:
    before = place.troubles()
    result = _send(place, case, connections, count).result
    after = place.troubles()
    found.rates.append(result.rate)
    found.failures += result.failures
    found.deadlocks += after["deadlocks"] - before["deadlocks"]
    found.rollbacks += after["rollbacks"] - before["rollbacks"]


def _send(place: Place, case: str, connections: int, count: int) -> Run:
    if case == CASES[0]:
        each = max(count // connections, SIZE)
        source = corpus().shuffled()
        queues = [_own(place, source, f"c{number}", each) for number in range(connections)]
        return observed(place, *queues, connections=connections)
    statements: Iterator[dict[str, Any]] = corpus().shuffled()
    if case != CASES[1]:
        actors = 100 if case == CASES[2] else 10_000
        statements = among(statements, actors, ACTIVITIES)
    queue = place.make.posts(islice(statements, max(count, SIZE * connections)), SIZE)
    return observed(place, queue, connections=connections)


def _own(place: Place, source: Iterator[dict[str, Any]], mark: str, count: int) -> list[Request]:
    return place.make.posts(apart(islice(source, count), mark), SIZE)
