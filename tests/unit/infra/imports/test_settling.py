"""What an import keeps while it runs: source, checkpoint, report, lanes."""

import gzip
import io
import stat
import sys
from pathlib import Path
from typing import cast
from uuid import uuid4

import orjson
import pytest

from infra.imports.acceptor import Acceptor, Outcome, Refusal
from infra.imports.checkpoint import Checkpoint, Progress
from infra.imports.lanes import Lanes
from infra.imports.records import Record
from infra.imports.report import Report
from infra.imports.source import open_source


def test_gzip_is_recognised_by_content(tmp_path: Path) -> None:
    plain, packed = tmp_path / "plain.gz", tmp_path / "packed"
    plain.write_bytes(b"{}\n")
    packed.write_bytes(gzip.compress(b"{}\n"))
    for path in (plain, packed):
        source = open_source(str(path))
        assert source.stream.read() == b"{}\n"
        assert source.position() == source.size
        source.close()


def test_a_source_is_known_by_its_content(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"{}\n")
    (tmp_path / "b").write_bytes(b"{}\n")
    (tmp_path / "c").write_bytes(b"[]\n")
    a, b, c = (open_source(str(tmp_path / name)) for name in "abc")
    assert a.identity == b.identity != c.identity
    for source in (a, b, c):
        source.close()


def test_standard_input_may_be_gzipped(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.TextIOWrapper(io.BufferedReader(io.BytesIO(gzip.compress(b"{}\n"))))  # type: ignore[arg-type]
    monkeypatch.setattr(sys, "stdin", stdin)
    source = open_source("-")
    assert (source.identity, source.stream.read()) == (None, b"{}\n")


def test_a_checkpoint_comes_back_and_goes(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path, "0" * 64, uuid4())
    assert checkpoint.load() == Progress()
    progress = Progress(7, 4, 2, {"iri": 1}, 100)
    checkpoint.save(progress)
    assert checkpoint.load() == progress
    assert progress.statements == 7
    checkpoint.remove()
    assert checkpoint.load() == Progress()


def test_a_broken_checkpoint_is_none(tmp_path: Path) -> None:
    institution = uuid4()
    (tmp_path / f"{'0' * 32}-{institution}.json").write_bytes(b'{"num')
    assert Checkpoint(tmp_path, "0" * 64, institution).load() == Progress()


def refusal(number: int) -> Refusal:
    return Refusal(number, None, "/actor", "required", "is required and missing")


def test_a_report_is_private_and_exists_from_the_first_refusal_on(tmp_path: Path) -> None:
    report = Report(tmp_path / "r.jsonl", 0)
    report.add([])
    assert not report.path.exists()
    report.add([refusal(3)])
    assert stat.S_IMODE(report.path.stat().st_mode) == 0o600
    assert report.size == report.path.stat().st_size


def test_a_report_forgets_what_was_not_settled(tmp_path: Path) -> None:
    first = Report(tmp_path / "r.jsonl", 0)
    first.add([refusal(1)])
    settled = first.size
    first.add([refusal(2)])
    again = Report(tmp_path / "r.jsonl", settled)
    again.add([refusal(2)])
    lines = again.path.read_bytes().splitlines()
    assert [orjson.loads(line)["number"] for line in lines] == [1, 2]


class Recording:
    """Notes what each lane submits."""

    def __init__(self) -> None:
        self.seen: list[list[Record]] = []

    def submit(self, records: list[Record]) -> Outcome:
        self.seen.append(records)
        return Outcome(accepted=len(records))


def test_a_learners_statements_stay_in_order_and_all_are_submitted() -> None:
    records = [
        Record(n, {"actor": {"mbox": f"mailto:{n % 7}@example.org", "name": str(n)}})
        for n in range(1, 500)
    ]
    records += [Record(500, 12), Record(501, {"actor": "nobody"}), Record(502, {"actor": {}})]
    recording = Recording()
    lanes = Lanes(cast(Acceptor, recording), 3, 10)
    futures = lanes.submit(records)
    assert sum(future.result().accepted for future in futures) == len(records)
    lanes.close()
    numbers = [record.number for batch in recording.seen for record in batch]
    assert sorted(numbers) == list(range(1, 503))
    for learner in range(7):
        of_learner = [n for n in numbers if n < 500 and n % 7 == learner]
        assert of_learner == sorted(of_learner)
