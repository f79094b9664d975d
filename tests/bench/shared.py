"""Section `shared`: what sharing actors and activities between connections costs.

A write that updates rows which others update too waits for them, or deadlocks. Here every case is
measured beside one where no connection names an actor or activity of another, on the same store.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from tests.bench.corpus import among, apart, corpus
from tests.bench.ingest import observed
from tests.bench.load import Result
from tests.bench.place import Bench, Place
from tests.bench.requests import Request
from tests.bench.table import markdown, spread

SIZE = 100
ACTIVITIES = 1000
CASES = {
    "each connection its own": 0,
    "mixed and shuffled, all shared": 0,
    "shared, 100 actors": 100,
    "shared, 10,000 actors": 10_000,
}
"""What is sent, and among how many actors; 0: those of the statements."""
OWN = next(iter(CASES))


@dataclass
class Found:
    """Of one case: a rate for each repeat, and how many requests failed."""

    rates: list[float] = field(default_factory=list)
    failures: int = 0


def run(bench: Bench) -> None:
    """Measures and prints."""
    rows, troubles = [], Counter[str]()
    for connections in (bench.options.connections // 2, bench.options.connections):
        found = {case: Found() for case in CASES}
        for number in range(bench.options.repeats):
            turned = number % len(CASES)  # whoever comes first finds the smaller store
            with bench.place() as place:
                before = place.troubles()
                for case in [*CASES, *CASES][turned:][: len(CASES)]:
                    result = _send(place, case, connections, bench.options.statements // 2)
                    found[case].rates.append(result.rate)
                    found[case].failures += result.failures
                troubles += place.troubles() - before
        alone = found[OWN].rates
        for case, of in found.items():
            ratios = [rate / base for rate, base in zip(of.rates, alone, strict=True)]
            texts = (spread(of.rates), spread(ratios, 2), str(of.failures))
            rows.append((case, str(connections), *texts))
    print(f"\n### Shared and shuffled data, batches of {SIZE}: {corpus().name}\n")
    head = ("statements", "connections", "statements/s", "as part of the first", "failed")
    print(markdown(head, rows))
    print(
        "\nWith a number of actors, actors are drawn at random from so many, and objects from"
        f" {ACTIVITIES:,} activities. pg_stat_database, all cases: {troubles['deadlocks']}"
        f" deadlocks, {troubles['rollbacks']} transactions rolled back."
    )


def _send(place: Place, case: str, connections: int, count: int) -> Result:
    count = max(count, SIZE * connections)
    statements: Iterator[dict[str, Any]] = corpus().shuffled()
    if case == OWN:
        each = count // connections
        queues = [_own(place, statements, f"c{number}", each) for number in range(connections)]
        return observed(place, *queues, connections=connections).result
    if CASES[case]:
        statements = among(statements, CASES[case], ACTIVITIES)
    queue = place.make.posts(islice(statements, count), SIZE)
    return observed(place, queue, connections=connections).result


def _own(place: Place, source: Iterator[dict[str, Any]], mark: str, count: int) -> list[Request]:
    return place.make.posts(apart(islice(source, count), mark), SIZE)
