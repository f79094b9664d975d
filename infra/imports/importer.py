"""Imports one source: windows of records through the lanes, each settled before it is forgotten.

A window is settled when all its statements are accounted for: its refusals are in the report, then
the checkpoint says so. A run that is cut short, however hard, goes on after the last settled one.
"""

import secrets
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from uuid import UUID

from infra.imports.acceptor import Acceptor, Outcome
from infra.imports.checkpoint import Checkpoint, Progress
from infra.imports.lanes import Lanes
from infra.imports.records import Record, records
from infra.imports.report import Report
from infra.imports.source import Source

LANES = 2
WINDOW_BATCHES = 4
"""Batches of each lane in a window; two windows are under way, so that no lane has to wait."""


@dataclass(frozen=True)
class Done:
    """What became of a source; `report` is None where nothing was refused."""

    progress: Progress
    report: Path | None
    resumed_after: int


class Importer:
    """Imports sources into one institution; keeps checkpoints and reports in `folder`."""

    def __init__(
        self, acceptor: Acceptor, institution: UUID, folder: Path, *, batch: int, longest: int
    ) -> None:
        self._acceptor = acceptor
        self._institution = institution
        self._folder = folder
        self._batch = batch
        self._longest = longest

    def run(
        self,
        source: Source,
        tell: Callable[[Progress], None] = lambda _: None,
        *,
        restart: bool = False,
    ) -> Done:
        """Returns when every statement of the source is accounted for.

        Calls `tell` after each settled window. What is raised (KeyboardInterrupt, Overloaded, ...)
        leaves the checkpoint of the last settled window.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        identity = source.identity or secrets.token_hex(16)
        checkpoint = Checkpoint(self._folder, identity, self._institution)
        if restart:
            checkpoint.remove()
        progress = checkpoint.load()
        resumed_after = progress.number
        name = f"{source.name.split('.')[0]}-{identity[:8]}-{self._institution.hex[:8]}"
        report = Report(self._folder / f"{name}.refused.jsonl", progress.report_size)
        found = records(source.stream, self._longest)
        fresh = (record for record in found if record.number > resumed_after)
        with closing(self._outcomes(fresh)) as outcomes:
            for number, outcome in outcomes:
                outcome.refused.sort(key=lambda refusal: refusal.number)
                report.add(outcome.refused)
                _count(progress, number, outcome, report.size)
                if source.identity is not None:
                    checkpoint.save(progress)
                tell(progress)
        checkpoint.remove()
        return Done(progress, report.path if report.size else None, resumed_after)

    def _outcomes(self, found: Iterator[Record]) -> Generator[tuple[int, Outcome], None, None]:
        """Yields the last number of each window, in order, and what became of the window."""
        lanes = Lanes(self._acceptor, LANES, self._batch)
        under_way: deque[tuple[int, list[Future[Outcome]]]] = deque()
        try:
            while window := list(islice(found, LANES * WINDOW_BATCHES * self._batch)):
                under_way.append((window[-1].number, lanes.submit(window)))
                if len(under_way) > 1:
                    yield _settled(*under_way.popleft())
            while under_way:
                yield _settled(*under_way.popleft())
        finally:
            lanes.close()


def _settled(number: int, futures: list[Future[Outcome]]) -> tuple[int, Outcome]:
    outcome = Outcome()
    for future in futures:
        outcome.add(future.result())
    return number, outcome


def _count(progress: Progress, number: int, outcome: Outcome, report_size: int) -> None:
    progress.number = number
    progress.accepted += outcome.accepted
    progress.present += outcome.present
    refused = Counter(progress.refused)
    refused.update(refusal.rule for refusal in outcome.refused)
    progress.refused = dict(refused)
    progress.report_size = report_size
