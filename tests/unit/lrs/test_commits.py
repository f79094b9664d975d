"""Group commit: who comes while others write goes in with those who come; nobody pays for another.

What is committed is a list here; over a real database the same is tried in tests/fault.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Lock
from uuid import UUID, uuid4

import pytest
from psycopg import OperationalError

from domain.statements.events import StatementStored
from lrs.commits import GROUP, SMALL, SMALL_BYTES, GroupCommit
from lrs.recorder import ContentConflict, IndexRows


class Log:
    """What was committed, in which groups; `judge` may refuse a group."""

    def __init__(self, judge: Callable[[Sequence[StatementStored]], None] = lambda _: None) -> None:
        self.groups: list[int] = []
        self.streams: list[UUID] = []
        self._judge = judge
        self._lock = Lock()

    def record(self, events: Sequence[StatementStored], rows: IndexRows) -> list[int]:
        assert len(rows.owners) == len(rows.terms) == len(rows.digests) == len(events)
        with self._lock:
            self.groups.append(len(events))
            self._judge(events)
            first = len(self.streams)
            self.streams += [event.originator_id for event in events]
            return list(range(first, first + len(events)))


def write(count: int = 1, size: int = 1000) -> tuple[list[StatementStored], IndexRows]:
    """Returns a write of so many statements, and bytes."""
    events = [
        StatementStored.trusted(originator_id=uuid4(), originator_version=1) for _ in range(count)
    ]
    rows = IndexRows(size=size)
    for _ in range(count):
        rows.owners.append(uuid4())
        rows.terms.append([])
        rows.digests.append(bytes(16))
    return events, rows


def at_once(
    commits: GroupCommit, writes: list[tuple[list[StatementStored], IndexRows]]
) -> list[object]:
    """Returns the positions of each write, or what it raised; all begin before one ends."""
    begun = Barrier(len(writes))

    def one(events: list[StatementStored], rows: IndexRows) -> object:
        with commits:
            begun.wait(10)
            try:
                return commits.append(events, rows)
            except Exception as error:
                return error

    with ThreadPoolExecutor(len(writes)) as threads:
        return [future.result(10) for future in [threads.submit(one, *w) for w in writes]]


def test_writes_that_come_together_go_in_together() -> None:
    log = Log()
    writes = [write(number % 3 + 1) for number in range(40)]
    got = at_once(GroupCommit(log.record), writes)
    for (events, _), positions in zip(writes, got, strict=True):
        assert isinstance(positions, list)
        assert [log.streams[position] for position in positions] == [
            event.originator_id for event in events
        ]
    assert sum(log.groups) == sum(len(events) for events, _ in writes)
    assert len(log.groups) < len(writes) / 2


def test_one_alone_waits_for_nobody() -> None:
    log = Log()
    assert GroupCommit(log.record).append(*write(2)) == [0, 1]
    assert log.groups == [2]


def test_a_large_write_goes_by_itself_and_a_group_has_an_end() -> None:
    log = Log()
    commits = GroupCommit(log.record)
    commits.append(*write(SMALL + 1))
    at_once(commits, [write(SMALL) for _ in range(2 * GROUP // SMALL)])
    assert log.groups[0] == SMALL + 1
    assert max(log.groups) <= GROUP


def test_a_write_of_many_bytes_goes_by_itself() -> None:
    log = Log()
    writes = [write(size=SMALL_BYTES + 1), *(write() for _ in range(11))]
    at_once(GroupCommit(log.record), writes)
    assert sum(log.groups) == len(writes)
    assert min(log.groups) == 1


def test_a_member_that_is_refused_is_refused_alone() -> None:
    writes = [write() for _ in range(12)]
    wrong = writes[5][0][0].originator_id

    def judge(events: Sequence[StatementStored]) -> None:
        if any(event.originator_id == wrong for event in events):
            raise ContentConflict(frozenset())

    log = Log(judge)
    got = at_once(GroupCommit(log.record), writes)
    assert [isinstance(one, ContentConflict) for one in got] == [n == 5 for n in range(12)]
    assert wrong not in log.streams
    assert len(set(log.streams)) == 11


def test_where_the_database_is_away_all_hear_so_at_once() -> None:
    def judge(_: Sequence[StatementStored]) -> None:
        raise OperationalError("away")

    log = Log(judge)
    got = at_once(GroupCommit(log.record), [write() for _ in range(12)])
    assert all(isinstance(one, OperationalError) for one in got)
    assert len(log.groups) < 12


def test_who_waits_while_the_database_goes_away_does_not_wait_again() -> None:
    begun, gone = Event(), Event()

    def judge(_: Sequence[StatementStored]) -> None:
        begun.set()
        assert gone.wait(10)
        raise OperationalError("away")

    log = Log(judge)
    commits = GroupCommit(log.record)
    with ThreadPoolExecutor(12) as threads:
        first = threads.submit(commits.append, *write())
        assert begun.wait(10)
        others = [threads.submit(commits.append, *write()) for _ in range(11)]
        while len(commits._waiting) < len(others):
            time.sleep(0.001)
        gone.set()
        assert all(isinstance(one.exception(10), OperationalError) for one in (first, *others))
    assert log.groups == [1]


def test_a_leader_that_is_stopped_leaves_nobody_waiting() -> None:
    stopped = Event()

    def judge(_: Sequence[StatementStored]) -> None:
        if not stopped.is_set():
            stopped.set()
            raise KeyboardInterrupt

    log = Log(judge)
    commits = GroupCommit(log.record)
    with pytest.raises(KeyboardInterrupt):
        commits.append(*write())
    assert commits.append(*write()) == [0]
