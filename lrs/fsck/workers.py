"""Spreads the parts of a pass over processes, each with connections, keys and caches of its own.

A process ends when its pipe does: with the run, or with the process that runs it, however that
ends.
"""

import gc
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from itertools import cycle
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, TypeVar

import psycopg

from lrs.fsck.session import Scope, Session, open_session
from lrs.services import open_services
from lrs.settings import Settings

Part = TypeVar("Part")
Result = TypeVar("Result")

AHEAD = 2
"""Parts that a process is given at a time: one that it works on, and the next."""
KEY_SECONDS = 5.0
"""How long it keeps keys: a run meets everybody's, and must not hold all of them at once."""


@dataclass(frozen=True)
class Workers:
    """Processes that work for a session; without any, it does everything itself."""

    session: Session
    pipes: Sequence[Connection] = ()

    def each(
        self, work: Callable[[Session, Part], Result], parts: Iterable[Part]
    ) -> Iterator[Result]:
        """Gives what `work`, a function of a module, returns of each part, in their order.

        Raises what it raised of database and system; `ChildProcessError` where a process died.
        """
        if not self.pipes:
            yield from (work(self.session, part) for part in parts)
            return
        given: deque[Connection] = deque()
        try:
            for pipe, part in zip(cycle(self.pipes), parts):
                if len(given) == AHEAD * len(self.pipes):
                    yield _received(given.popleft())
                pipe.send((work, part))
                given.append(pipe)
            while given:
                yield _received(given.popleft())
        except (EOFError, ConnectionError) as error:
            raise ChildProcessError("a process that judged a part has died") from error


@contextmanager
def workers(session: Session, processes: int) -> Iterator[Workers]:
    """Gives so many processes, for the length of a run."""
    with ExitStack() as stack:
        yield Workers(session, [stack.enter_context(_started(session)) for _ in range(processes)])


@contextmanager
def _started(session: Session) -> Iterator[Connection]:
    # Not forked: other threads of this process may hold locks, and its connections are its own.
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    child = context.Process(target=_serve, args=(session.services.settings, session.scope, theirs))
    child.start()
    theirs.close()
    try:
        yield ours
    finally:
        ours.close()
        child.join()


def _received(pipe: Connection) -> Any:
    result = pipe.recv()
    if isinstance(result, Exception):
        raise result
    return result


def _serve(settings: Settings, scope: Scope, pipe: Connection) -> None:
    """Does what comes until nothing can come any more; repairs nothing."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the run's process ends this one in order
    # Events are many objects and no circles: to look for circles while they are there takes a sixth
    # of the time. Between parts there is hardly anything to look at.
    gc.disable()
    settings = settings.model_copy(update={"key_cache_seconds": KEY_SECONDS})
    try:
        with closing(open_services(settings)) as services, open_session(services, scope) as session:
            while True:
                work, part = pipe.recv()
                pipe.send(work(session, part))
                gc.collect(1)
    except (EOFError, ConnectionError):
        return
    except (psycopg.Error, OSError) as error:
        pipe.send(error)
