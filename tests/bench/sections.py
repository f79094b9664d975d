"""`make bench ARGS="SECTION..."`: measures this machine and prints tables in Markdown.

Sections: {sections}

Without a name, those of the first group run, in about a quarter of an hour on 2 cores. A number is
a median, with the least and the greatest of the repeats. Everything runs on this machine: load
generator, API processes, Postgres.
"""

import argparse
import tempfile
import time
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path

from tests.bench import machine
from tests.bench.corpus import corpus
from tests.bench.place import Bench

USUAL = {
    "generator": "what the load generator costs by itself",
    "ingest": "batches of 100, 5 and 1 over HTTP, beside raw COPY of the same rows",
    "shared": "connections that share actors and activities beside such that do not",
    "cases": "use cases of a public benchmark, at 10,000 and 100,000 stored (--sizes)",
    "slope": "ingest at 10,000 and at 1,000,000 stored (--slope)",
    "memory": "memory of every process before, during and after load",
    "mixed": "80% writes, 20% queries for a minute (--seconds 600: ten), minute by minute",
    "stages": "microseconds of CPU for each stage of a write",
    "streams": "import of files, and import while the streams run",
}
BY_NAME = {
    "reads": "pages by every filter, server-side, at 1,000,000 stored and more",
    "fsck": "how fast a store is judged, beside reading it, at the last of --sizes",
    "filling": "how fast stores are filled for these measurements",
    "peer": "another learning record store, with the same requests (downloads it)",
}


def main() -> None:
    """Measures and prints."""
    options = _options()
    print(machine.facts())
    print(f"Statements: {corpus().name}. Options: {_said(options)}.")
    for section in options.sections or USUAL:
        started = time.perf_counter()
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kumbuka-bench-")))
            folder.chmod(0o755)  # where we are root, Postgres runs as another user
            import_module(f"tests.bench.{section}").run(Bench(options, folder, stack))
        print(f"\n({section}: {time.perf_counter() - started:,.0f} s)", flush=True)


def _options() -> argparse.Namespace:
    lines = [f"\n  {name:<10} {what}" for name, what in (USUAL | BY_NAME).items()]
    lines.insert(len(USUAL), "\n by name only:")
    parser = argparse.ArgumentParser(
        prog="make bench",
        description=(__doc__ or "").replace("{sections}", "".join(lines)),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="With make: make bench ARGS='ingest shared --repeats 5'",
    )
    add = parser.add_argument
    add("sections", nargs="*", metavar="SECTION", help="which to run, in this order")
    add("--repeats", type=int, default=3, help="of each measurement (default: 3)")
    add("--statements", type=int, default=60_000, help="of one measurement (default: 60000)")
    add("--connections", type=int, default=8, help="that send batches of 100 (default: 8)")
    add(
        "--sizes",
        type=_numbers,
        default=[10_000, 100_000],
        help="stored in `cases`; last: `fsck` (N,N...)",
    )
    add("--slope", type=int, default=1_000_000, help="stored at the far end of `slope`")
    add("--seconds", type=float, default=60.0, help="of `memory` (half) and `mixed` (all)")
    add("--samples", type=int, default=200, help="queries of each kind in `cases`")
    options = parser.parse_args()
    unknown = set(options.sections) - USUAL.keys() - BY_NAME.keys()
    if unknown:
        parser.error(f"no section is named {', '.join(sorted(unknown))}; see --help")
    return options


def _numbers(text: str) -> list[int]:
    return [int(part.replace("_", "")) for part in text.split(",")]


def _said(options: argparse.Namespace) -> str:
    return ", ".join(f"{name} {value}" for name, value in vars(options).items() if value)
