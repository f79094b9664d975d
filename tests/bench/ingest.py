"""Section `ingest`: statements over HTTP, batches of 100, of 5 and of 1, beside raw COPY.

Every repeat has a fresh store and API. First persons, their keys and activities are new to it, and
making them is in the rate; then the same persons send as many again, as they do in a running store.
Raw COPY takes the rows that the same repeat has just written.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from tests.bench import load
from tests.bench.copying import Copied, raw_copy
from tests.bench.corpus import corpus, grown, mean_size
from tests.bench.place import Bench, Place
from tests.bench.requests import Request
from tests.bench.table import markdown, quantile, spread

GROWN = 1800
"""Bytes of a statement in batches of 5."""


@dataclass(frozen=True)
class Shape:
    """How many statements a request has, from how many connections; which part of the whole count
    is sent; from how many bytes a statement is.
    """

    size: int
    connections: int
    part: float
    grown: int = 0


@dataclass(frozen=True)
class Run:
    """One repeat: what came back, CPU seconds of each part, and COPY beside it."""

    result: load.Result
    cpu: dict[str, float]
    copied: Copied | None = None


def run(bench: Bench) -> None:
    """Measures and prints."""
    connections = bench.options.connections
    shapes = (Shape(100, connections, 1), Shape(5, 2 * connections, 0.5, GROWN), Shape(1, 64, 0.2))
    measured = {
        shape: [_repeat(bench, shape) for _ in range(bench.options.repeats)] for shape in shapes
    }
    print(f"\n### Ingest over HTTP: {corpus().name}\n")
    rows = [
        _row(shape, persons, [pair[which] for pair in pairs])
        for shape, pairs in measured.items()
        for which, persons in enumerate(("new", "known"))
    ]
    print(markdown(HEAD, rows))
    print(
        "\nP50 and P99 are of a request, in ms, median of the repeats. CPU is of all processes of a"
        " part, in us a statement. Failed: answers that are no success, and broken connections."
    )
    _show_copies([known for _, known in measured[shapes[0]]])


def statements_of(shape: Shape) -> Iterator[dict[str, Any]]:
    """Yields real statements in the shape's size."""
    found = corpus().in_order(shape.size)
    return grown(found, shape.grown) if shape.grown else found


def observed(place: Place, *queues: list[Request], connections: int) -> Run:
    """Returns what came back of the requests, and who used how much CPU meanwhile."""
    place.do("CHECKPOINT")
    before = place.cpu()
    result = place.send(*queues, connections=connections)
    used = {part: after - before[part] for part, after in place.cpu().items()}
    return Run(result, {**used, "generator": result.cpu})


def _repeat(bench: Bench, shape: Shape) -> tuple[Run, Run]:
    """Returns what came of statements of persons who are new to the store, then of more of them."""
    count = max(int(bench.options.statements * shape.part), shape.size * shape.connections)
    with bench.place() as place:
        before = place.counted()
        new, known = (
            observed(
                place,
                place.make.posts(islice(statements_of(shape), count), shape.size),
                connections=shape.connections,
            )
            for _ in range(2)
        )
        written = place.counted() - before
        answered = new.result.statements + known.result.statements
        assert written == answered, "what was answered for is not what is there"
        return new, Run(known.result, known.cpu, raw_copy(place))


HEAD = (
    *("statements a request", "bytes each", "connections", "persons", "statements/s", "P50", "P99"),
    "failed",
    *("CPU: API", "Postgres", "generator"),
)


def _row(shape: Shape, persons: str, runs: list[Run]) -> list[str]:
    results = [found.result for found in runs]
    times = [[quantile(r.latencies(), share) for r in results] for share in (0.5, 0.99)]
    size = mean_size(list(islice(statements_of(shape), 1000)))
    return [
        str(shape.size),
        f"{size:,.0f}",
        str(shape.connections),
        persons,
        spread([r.rate for r in results]),
        *(f"{quantile(found, 0.5):,.1f}" for found in times),
        str(sum(r.failures for r in results)),
        *(
            f"{quantile([f.cpu[part] / f.result.statements * 1e6 for f in runs], 0.5):,.0f}"
            for part in ("API", "Postgres", "generator")
        ),
    ]


def _show_copies(runs: list[Run]) -> None:
    pairs = [(run.result.rate, run.copied) for run in runs if run.copied is not None]
    copies = [copied for _, copied in pairs]
    size = copies[0].bytes_per_row
    print(f"\nRaw binary COPY of the rows of batches of 100, {size:,.0f} bytes each, encrypted:\n")
    kinds = {
        "the log's rows, table and indexes like the log; 1 connection": [c.one for c in copies],
        "the same; 2 connections": [c.two for c in copies],
        "the log's rows, no index at all; 1 connection": [c.bare for c in copies],
        "all rows of a statement: log, index, postings; 1 connection": [c.whole for c in copies],
    }
    rows = []
    for kind, rates in kinds.items():
        shares = [100 * rate / copy for (rate, _), copy in zip(pairs, rates, strict=True)]
        rows.append((kind, spread(rates), f"{spread(shares, 1)} %"))
    print(markdown(("", "statements/s", "ingest, as part of it"), rows))
