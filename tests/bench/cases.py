"""Section `cases`: the use cases that another store's public benchmark names, at several sizes.

They are those of TRAX LRS (extended.traxlrs.com/docs/2.1/benchmark): statements one by one, in
small and large batches, each with few (100) and many (10,000) actors and activities; statements of
Groups; queries by agent, activity, both, with a verb, with the `related` options. Verb,
registration and times are added. As there, one connection asks, one request after the other.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from tests.bench.corpus import among, corpus, of_groups
from tests.bench.place import Bench, Place
from tests.bench.queries import PAGE, queries
from tests.bench.requests import Request
from tests.bench.table import markdown, quantile

VARIETY = {"few": 100, "many": 10_000}
BATCHES = {"one by one": (1, 1.0), "batches of 10": (10, 0.25), "batches of 100": (100, 0.1)}
"""Statements of a request, and for what part of the samples it is measured."""


def run(bench: Bench) -> None:
    """Measures and prints."""
    cells: dict[str, list[str]] = {}
    for size in bench.options.sizes:
        with bench.place(size) as place:
            for case, requests in _cases(place, size, bench.options.samples).items():
                cells.setdefault(case, []).append(_measured(place, requests))
    sizes = [f"{size:,} stored" for size in bench.options.sizes]
    print(f"\n### Use cases, P50 / P95 / greatest in ms, one connection: {corpus().name}\n")
    print(markdown(("use case", *sizes), [(case, *times) for case, times in cells.items()]))
    print(
        f"\nTime of a request over HTTP; queries ask for a page of {PAGE}. Few and many:"
        f" {VARIETY['few']} and {VARIETY['many']:,} actors and as many activities."
    )


def _cases(place: Place, size: int, samples: int) -> dict[str, list[Request]]:
    """Returns the requests of each case; queries first: writes change the size."""
    found = {
        f"GET by {kind}": requests for kind, requests in queries(place.make, size, samples).items()
    }
    for name, (batch, part) in BATCHES.items():
        for variety, many in VARIETY.items():
            some = islice(
                among(corpus().shuffled(), many, many), batch * max(int(samples * part), 5)
            )
            found[f"POST {name}, {variety} actors"] = place.make.posts(some, batch)
    groups: Iterator[dict[str, Any]] = of_groups(corpus().shuffled())
    found["POST one by one, of Groups"] = place.make.posts(islice(groups, samples), 1)
    return found


def _measured(place: Place, requests: list[Request]) -> str:
    # The first one plans what the others run; a store that is asked has been asked before.
    place.send(requests[:1], connections=1)
    result = place.send(requests[1:], connections=1)
    times = result.latencies()
    text = " / ".join(f"{quantile(times, share):,.1f}" for share in (0.5, 0.95, 1))
    return text if set(result.statuses) == {200} else f"{text} {dict(result.statuses)}"
