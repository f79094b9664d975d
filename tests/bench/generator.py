"""Section `generator`: what the load generator costs by itself."""

from multiprocessing import get_context

from tests.bench import trivial
from tests.bench.corpus import corpus
from tests.bench.load import Plan
from tests.bench.place import Bench
from tests.bench.requests import Maker
from tests.bench.table import markdown

SHAPES = ((1, 64, 20_000), (100, 8, 2_000))
"""Statements of a request, connections, requests."""


def run(bench: Bench) -> None:
    """Prints microseconds of the generator's CPU for each request, and how fast it could go."""
    ours, theirs = get_context("spawn").Pipe(duplex=False)
    server = get_context("spawn").Process(target=trivial.serve, args=(theirs,), daemon=True)
    server.start()
    port = ours.recv()
    make, rows = Maker("key", "secret"), []
    for size, connections, most in SHAPES:
        count = min(most, max(bench.options.statements // size, connections))
        statements = corpus().in_order(size)
        requests = make.posts((next(statements) for _ in range(min(count, 200) * size)), size)
        queue = (requests * (count // len(requests) + 1))[:count]
        result = bench.generator.run(Plan(port, [queue], connections))
        assert result.statuses == {200: count}
        rows.append(
            (
                f"POST of {size}, {connections} connections",
                f"{result.cpu / count * 1e6:,.1f}",
                f"{count / result.seconds:,.0f}",
                f"{result.rate:,.0f}",
            )
        )
    server.kill()
    print("\n### The load generator alone, against a server that answers at once\n")
    print(markdown(("", "us of CPU a request", "requests/s", "statements/s"), rows))
