"""Section `slope`: whether ingest slows down as the store grows.

Two stores on one server, one of 10,000 statements and one of many more, take the same batches in
turn, so that what else the machine does falls on both.
"""

from itertools import islice

from tests.bench.corpus import corpus
from tests.bench.ingest import observed
from tests.bench.place import Bench, Place
from tests.bench.table import markdown, spread

SMALL = 10_000
SIZE = 100


def run(bench: Bench) -> None:
    """Measures and prints."""
    large = bench.options.slope
    rates: dict[int, list[float]] = {SMALL: [], large: []}
    with bench.place(SMALL) as few, bench.place(large) as many:
        for number in range(bench.options.repeats):
            order = [(SMALL, few), (large, many)]
            for size, place in order[:: -1 if number % 2 else 1]:
                rates[size].append(_rate(bench, place, number))
    print(f"\n### Ingest into a small and a large store, batches of {SIZE}: {corpus().name}\n")
    rows = [(f"{size:,}", spread(found)) for size, found in rates.items()]
    print(markdown(("stored before", "statements/s"), rows))
    ratios = [big / small for small, big in zip(rates[SMALL], rates[large], strict=True)]
    print(f"\nLarge as part of small, repeat by repeat: {spread(ratios, 2)}.")


def _rate(bench: Bench, place: Place, number: int) -> float:
    count = max(bench.options.statements // 2, SIZE * bench.options.connections)
    source = islice(corpus().in_order(SIZE), number * count, (number + 1) * count)
    queue = place.make.posts(source, SIZE)
    return observed(place, queue, connections=bench.options.connections).result.rate
