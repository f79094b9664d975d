"""Section `streams`: import of files, raw COPY beside it, and the views catching up.

Imports go the way that `lrs import` goes, without HTTP.
"""

from infra.local.kafka import Kafka
from tests.bench import inputs, store
from tests.bench.place import Bench
from tests.bench.table import markdown, spread


def run(bench: Bench) -> None:
    """Measures and prints."""
    what, files = inputs.files(bench.folder)
    alone = [store.alone(bench.stores, files) for _ in range(bench.options.repeats)]
    _show_alone(what, alone)
    kafka = Kafka(bench.folder / "kafka")
    kafka.start()
    try:
        prefixes = [f"bench{n}" for n in range(bench.options.repeats)]
        _show_streamed([store.streamed(bench.stores, files, kafka.bootstrap, p) for p in prefixes])
    finally:
        kafka.stop()


def _show_alone(what: str, runs: list[store.Alone]) -> None:
    statements, size = runs[0].statements, runs[0].bytes_per_row
    print(f"\n### Import of {what}: {statements:,} statements, {size:,.0f} bytes a sealed row\n")
    rows = [
        ("`lrs import`, statements/s", spread([run.imported for run in runs])),
        ("raw binary COPY of the same rows", spread([run.copied for run in runs])),
    ]
    print(markdown(("", "median (least-greatest)"), rows))


def _show_streamed(runs: list[store.Streamed]) -> None:
    print("\nThe same with relay, Kafka and worker running on the same machine.\n")
    rows = [
        ("`lrs import`, statements/s", spread([run.imported for run in runs])),
        ("views have all, seconds after it", spread([run.behind for run in runs], digits=1)),
    ]
    print(markdown(("", "median (least-greatest)"), rows))
