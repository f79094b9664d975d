"""Workflows that purge, carried out: step by step, by one process at a time, and certified.

Every step can be done again, and what was done is an event, so whatever is cut short, wherever,
goes on where it stopped. What each step does is in `lrs/erasure.py` and `lrs/closure.py`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Lock
from typing import Any, ClassVar, Generic, LiteralString, TypeVar, cast
from uuid import UUID

from psycopg import Connection, connect

from domain.errors import Error, NotFound
from domain.events import Event
from domain.workflow import Certified, Step, Workflow
from lrs.audit.receipts import PURPOSE, Receipts
from lrs.notifications import RecordedEvent
from lrs.services import Services

ROUNDS = 5

W = TypeVar("W", bound=Workflow)

Progress = Callable[[str, int, int], None]
"""Is told the store, how much of it is done, and how much there is."""


class NotClean(Error):
    """Something of what is purged is still there, or came back. Run the workflow again."""


class Workflows(ABC, Generic[W]):
    """The workflows of one kind; `stores` are purged in this order."""

    LOCK: ClassVar[int]
    """The first half of the advisory lock that each workflow is carried out under."""
    FINISH: ClassVar[LiteralString]
    """Marks the row of a workflow as finished: takes the time and its stream."""
    FENCED: ClassVar[type[Event]]
    """Nothing more can come from the first such event on: receipts say its position."""
    UNKNOWN: ClassVar[str]
    """What is said where there is no such workflow."""
    AGAIN: ClassVar[str]
    """What is said where scans go on finding something."""

    def __init__(self, services: Services, kind: type[W], stores: Sequence[str]) -> None:
        self.receipts = Receipts(services.key_service.secret(PURPOSE))
        self._services = services
        self._store = services.store
        self._pool = services.pool
        self._kind = kind
        self._stores = stores
        self._one_at_a_time = Lock()

    def run(self, workflow: W, progress: Progress = lambda *_: None, steps: int | None = None) -> W:
        """Does what is left to do, or the next `steps` of it; returns the workflow as it is then.

        Where another process is at it, returns it as it stands. Raises `NotClean`.
        """
        with self._alone(workflow.id) as alone:
            workflow = self._read(workflow.id)
            rounds, done = 0, 0
            while alone and done != steps and (step := workflow.next(self._stores)) is not None:
                rounds += step is Step.VERIFY
                done += 1
                if rounds > ROUNDS:
                    raise NotClean(self.AGAIN)
                events = self._do(step, workflow, progress)
                self._append(events)
                for event in events:
                    workflow = workflow.after(event)
        return workflow

    @abstractmethod
    def _do(self, step: Step, workflow: W, progress: Progress) -> list[Event]:
        """Does one step; returns its events."""

    def _read(self, stream: UUID) -> W:
        """Returns a workflow as it stands. Raises `NotFound`."""
        found = self._kind.fold(self._store.stream(stream))
        if found is None:
            raise NotFound(self.UNKNOWN)
        return found

    def _finish(self, unfinished: Iterable[W]) -> int:
        """Returns how many of them were finished. Raises `NotClean` after all were tried."""
        finished = 0
        failure: NotClean | None = None
        for workflow in unfinished:
            try:
                finished += self.run(workflow).receipt is not None
            except NotClean as error:
                failure = error
        if failure is not None:
            raise failure
        return finished

    def _receipt(self, workflow: W) -> dict[str, Any]:
        """Returns the signed receipt of a verified workflow."""
        recorded = cast(Sequence[RecordedEvent], self._store.recorder.select_events(workflow.id))
        fenced = next(event.id for event in recorded if event.topic == self.FENCED.TOPIC)
        return self.receipts.sign(workflow.certificate(fenced, datetime.now(UTC)))

    def _append(self, events: list[Event]) -> None:
        def finish(connection: Connection[Any]) -> None:
            connection.execute(self.FINISH, [events[-1].at, events[-1].originator_id])

        certified = isinstance(events[-1], Certified)
        self._store.append(*events, beside=finish if certified else None)

    @contextmanager
    def _alone(self, stream: UUID) -> Iterator[bool]:
        """Gives whether this is the one process that carries the workflow out."""
        low = int.from_bytes(stream.bytes[:4], "big", signed=True)
        # A connection of its own: the steps need those of the pool.
        with self._one_at_a_time, connect(self._services.settings.dsn, autocommit=True) as lead:
            row = lead.execute("SELECT pg_try_advisory_lock(%s, %s)", [self.LOCK, low]).fetchone()
            assert row is not None
            yield row[0]


def next_of(workflow: Workflow, more: int = 0) -> dict[str, Any]:
    """Returns the place of the next event in the stream, or of one `more` after it."""
    return {
        "originator_id": workflow.id,
        "originator_version": workflow.version + 1 + more,
        "institution": workflow.requested.institution,
        "at": datetime.now(UTC),
    }
