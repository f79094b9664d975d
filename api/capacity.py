"""How many requests this process works on at once, and how many wait: all others are sent away.

A server's own queue has no end and no clock: who stands there long enough runs into a time-out. So
there are more request threads than places. Who finds no place waits on a thread, as long as for a
database connection; who finds no room to wait either is refused at once (503), by one of the
threads that are kept free for that. Health and metrics always have a place: they must answer when
nothing else does.
"""

from collections import deque
from threading import Lock
from time import monotonic

from flask import Flask, g, request

from domain.errors import Overloaded
from lrs.pools import patience
from lrs.settings import Settings

FREE = ("/health", "/metrics", "/static")


class Places:
    """So many places, and room for so many who wait; who came first is next. Thread-safe."""

    def __init__(self, count: int, room: int) -> None:
        self._free = count
        self._room = room
        self._waiting: deque[Lock] = deque()
        self._lock = Lock()

    def take(self, seconds: float) -> float:
        """Takes a place, and returns how many seconds that took.

        Raises Overloaded: after `seconds`, or at once where too many wait.
        """
        with self._lock:
            if self._free:
                self._free -= 1
                return 0.0
            if len(self._waiting) >= self._room:
                raise Overloaded("too many requests are under way and waiting")
            turn = Lock()
            turn.acquire()
            self._waiting.append(turn)
        began = monotonic()
        if not turn.acquire(timeout=seconds):
            with self._lock:
                if turn in self._waiting:  # else it was given the place at the last moment
                    self._waiting.remove(turn)
                    raise Overloaded("too many requests are under way")
        return monotonic() - began

    def give(self) -> None:
        """Gives a place back, to who has waited longest."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._free += 1


def install(app: Flask, settings: Settings) -> None:
    """Bounds the requests of `app`."""
    places = Places(*shares(settings))

    def enter() -> None:
        if request.path.startswith(FREE):
            patience(None)
            return
        waited = places.take(settings.pool_timeout)
        g.has_place = True
        patience(settings.pool_timeout - waited)

    def leave(_: BaseException | None) -> None:
        # What this thread does next, a stream too, has its own waits.
        patience(None)
        if g.pop("has_place", False):
            places.give()

    app.before_request(enter)
    app.teardown_request(leave)


def shares(settings: Settings) -> tuple[int, int]:
    """Returns how many requests are worked on, and how many wait; the other threads refuse.

    Threads that live streams may take for as long as they like are not counted on.
    """
    threads = settings.api_threads - live_streams(settings)
    working = max(1, threads - max(1, threads // 8))
    places = min(settings.max_concurrent, working)
    return places, working - places


def live_streams(settings: Settings) -> int:
    """Returns how many live streams a process serves: on half of its threads at most."""
    return min(settings.live_streams, settings.api_threads // 2)
