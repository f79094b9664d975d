"""Batches in parallel, each learner's statements in order.

A statement's lane follows from its actor, and a lane records one batch after another: folds that
depend on order (mastery) meet a learner's statements as the file has them. Threads are enough:
while one lane waits for the database, another judges and seals.
"""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from zlib import crc32

import orjson

from domain.people import IFIS
from infra.imports.acceptor import Acceptor, Outcome
from infra.imports.records import Record


class Lanes:
    """Some single threads over one acceptor."""

    def __init__(self, acceptor: Acceptor, count: int, batch: int) -> None:
        self._acceptor = acceptor
        self._batch = batch
        self._threads = [
            ThreadPoolExecutor(1, thread_name_prefix=f"lane-{n}") for n in range(count)
        ]

    def submit(self, records: Sequence[Record]) -> list[Future[Outcome]]:
        """Returns at once, with what will become of the records, in batches."""
        lanes: list[list[Record]] = [[] for _ in self._threads]
        for record in records:
            lanes[_lane(record.statement, len(lanes))].append(record)
        return [
            thread.submit(self._acceptor.submit, lane[start : start + self._batch])
            for thread, lane in zip(self._threads, lanes, strict=True)
            for start in range(0, len(lane), self._batch)
        ]

    def close(self) -> None:
        """Ends the lanes: batches under way are finished, waiting ones are dropped."""
        for thread in self._threads:
            thread.shutdown(wait=False, cancel_futures=True)
        for thread in self._threads:
            thread.shutdown(wait=True)


def _lane(statement: object, count: int) -> int:
    actor = statement.get("actor") if isinstance(statement, dict) else None
    if not isinstance(actor, dict):
        return 0
    identifier = next((actor[name] for name in IFIS if name in actor), None)
    return crc32(orjson.dumps(identifier, option=orjson.OPT_SORT_KEYS)) % count
