"""Section `filling`: how fast stores are filled for the other sections, and how large they are."""

import time

from tests.bench.place import Bench
from tests.bench.table import markdown

GIB = 2**30


def run(bench: Bench) -> None:
    """Measures and prints."""
    rows = []
    for size in bench.options.sizes:
        started = time.perf_counter()
        with bench.place(size) as place:
            seconds = time.perf_counter() - started
            ((size_on_disk,),) = place.ask("SELECT pg_database_size(current_database())")
        rate = size / seconds
        rows.append((f"{size:,}", f"{seconds:,.0f}", f"{rate:,.0f}", f"{size_on_disk / GIB:,.2f}"))
    print("\n### Filling a store (with making it, VACUUM and ANALYZE)\n")
    print(markdown(("statements stored", "seconds", "statements/s", "GiB of database"), rows))
