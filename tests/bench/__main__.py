"""`python -m tests.bench`: import, raw COPY of the same rows, views catching up, stages.

Every number is a median with the least and the greatest of the repeats. The machine is named: the
numbers are of it, and of what else it was doing.
"""

import argparse
import gzip
import tempfile
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

from infra.local.kafka import Kafka
from infra.local.postgres import Postgres
from tests.bench import inputs, machine, stages, store
from tests.bench.table import markdown, spread

STAGED = 10_000
"""Statements of each file that the stages are timed with."""


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--no-streams", action="store_true", help="leave Kafka and the views out")
    options = parser.parse_args()
    print(machine.facts())
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kumbuka-bench-")))
        folder.chmod(0o755)  # where we are root, Postgres runs as another user
        what, files = inputs.files(folder)
        postgres = Postgres(folder / "postgres")
        postgres.start()
        stack.callback(postgres.stop)
        stores = store.Stores(postgres, folder)
        show_alone(what, [store.alone(stores, files) for _ in range(options.repeats)])
        with stores.fresh() as services:
            show_stages(stages.measure(services, _lines(files), store.BATCH))
        if not options.no_streams:
            kafka = Kafka(folder / "kafka")
            kafka.start()
            stack.callback(kafka.stop)
            prefixes = [f"bench{n}" for n in range(options.repeats)]
            show_streamed([store.streamed(stores, files, kafka.bootstrap, p) for p in prefixes])


def show_alone(what: str, runs: list[store.Alone]) -> None:
    """Prints import and COPY, one beside the other."""
    statements, size = runs[0].statements, runs[0].bytes_per_row
    print(f"\nImport of {what}: {statements:,} statements, {size:,.0f} bytes a sealed row.\n")
    rows = [
        ("`lrs import`, statements a second", spread([run.imported for run in runs])),
        ("raw binary COPY of the same rows", spread([run.copied for run in runs])),
    ]
    print(markdown(("", "median (least-greatest)"), rows))


def show_streamed(runs: list[store.Streamed]) -> None:
    """Prints the import beside the streams."""
    print("\nThe same with relay, Kafka and worker running on the same machine.\n")
    rows = [
        ("`lrs import`, statements a second", spread([run.imported for run in runs])),
        ("views have all, seconds after it", spread([run.behind for run in runs], digits=1)),
    ]
    print(markdown(("", "median (least-greatest)"), rows))


def show_stages(found: list[tuple[str, float]]) -> None:
    """Prints where the time of the write path goes."""
    print(f"\nThe write path in one thread, batches of {store.BATCH}.\n")
    rows = [(name, f"{micros:.1f}") for name, micros in found]
    print(markdown(("stage", "us a statement"), rows))


def _lines(files: list[Path]) -> list[bytes]:
    """Returns the first lines of every file."""
    found: list[bytes] = []
    for path in files:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
            found += islice(lines, STAGED)
    return found


if __name__ == "__main__":
    main()
