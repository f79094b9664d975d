"""Section `mixed`: 80% writes and 20% queries for a minute, or with `--seconds 600` for ten.

Writes are single statements and batches of 10, half of the requests each; queries are of every
kind in turn (`tests.bench.queries`). The requests are sent again and again, the statements under
other ids each time. What is told by the minute is flat, or it is not.
"""

from itertools import islice
from random import Random

from tests.bench.corpus import SEED, corpus
from tests.bench.load import Result, failed
from tests.bench.memory import Watch
from tests.bench.place import Bench, Place
from tests.bench.queries import KINDS, PAGE, mixed
from tests.bench.requests import Request
from tests.bench.table import markdown, quantile

STORED = 100_000
"""Statements that are there before."""
CONNECTIONS = 16
BATCH = 10
ROUND = 40
"""Queries of each kind in one round of the requests."""
ROWS = 10


def run(bench: Bench) -> None:
    """Measures and prints."""
    seconds, stored = bench.options.seconds, min(STORED, bench.options.slope)
    with bench.place(stored) as place:
        requests = _requests(place, stored)
        before = place.troubles()
        with Watch(place, max(seconds / 30, 0.2)) as watch:
            result = place.send(requests, connections=CONNECTIONS, seconds=seconds)
        troubles = place.troubles() - before
    step = seconds / ROWS
    print(
        f"\n### {seconds:,.0f} s of 80% writes, 20% queries, {CONNECTIONS} connections,"
        f" {stored:,} stored before: {corpus().name}\n"
    )
    periods = [(n * step, (n + 1) * step) for n in range(ROWS)]
    print(markdown(HEAD, [_row(result, watch, *period) for period in periods]))
    print(
        f"\nMilliseconds over HTTP, pages of {PAGE}; memory is PSS in MiB. In all"
        f" {result.requests:,} requests, {result.statements:,} statements written, statuses"
        f" {dict(result.statuses)}, deadlocks {troubles['deadlocks']}."
    )


HEAD = (
    *("seconds", "requests/s", "statements/s", "write P50", "P99", "query P50", "P99"),
    *("failed", "API", "Postgres"),
)


def _requests(place: Place, stored: int) -> list[Request]:
    """Returns one round of requests in an order that is always the same."""
    asked = list(mixed(place.make, stored, ROUND))
    writes = 2 * len(asked)
    source = corpus().shuffled()
    singles = place.make.posts(islice(source, writes), 1, "write")
    batches = place.make.posts(islice(source, writes * BATCH), BATCH, "write")
    requests = [*asked, *singles, *batches]
    assert len(asked) * 5 == len(requests) == len(KINDS) * ROUND * 5
    Random(SEED).shuffle(requests)
    return requests


def _row(result: Result, watch: Watch, first: float, last: float) -> list[str]:
    chosen = [n for n, began in enumerate(result.began) if first <= began < last]
    failures = sum(failed(result.status[n]) for n in chosen)
    times = {kind: result.latencies(kind, first, last) for kind in ("write", "query")}
    held = [taken for at, taken in watch.taken if first <= at < last]
    return [
        f"{first:,.0f}-{last:,.0f}",
        f"{len(chosen) / (last - first):,.0f}",
        f"{sum(result.held[n] for n in chosen) / (last - first):,.0f}",
        *(f"{quantile(found, q):,.1f}" for found in times.values() for q in (0.5, 0.99)),
        str(failures),
        *(
            f"{max((taken[f'{part}, all'].pss for taken in held), default=0):,.0f}"
            for part in ("API", "Postgres")
        ),
    ]
