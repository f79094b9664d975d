"""How many requests this process works on at once, and how many wait: all others are sent away.

A server's own queue has no end and no clock: who stands there long enough runs into a time-out. So
there are more request threads than places. Who finds no place waits on a thread, as long as for a
database connection; who finds no room to wait either is refused at once (503), by one of the
threads that are kept free for that. Health and metrics always have a place: they must answer when
nothing else does.
"""

from queue import Empty, SimpleQueue

from flask import Flask, g, request

from domain.errors import Overloaded
from lrs.pools import patience
from lrs.settings import Settings

FREE = ("/health", "/metrics", "/static")

Places = SimpleQueue[None]


def install(app: Flask, settings: Settings) -> None:
    """Bounds the requests of `app`."""
    count, room = shares(settings)
    places, waiting = _filled(count), _filled(room)

    def enter() -> None:
        free = request.path.startswith(FREE)
        patience(None if free else settings.pool_timeout)
        if not free:
            _take(places, waiting, settings.pool_timeout)
            g.has_place = True

    def leave(_: BaseException | None) -> None:
        if g.pop("has_place", False):
            places.put(None)

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


def _filled(count: int) -> Places:
    places: Places = SimpleQueue()
    for _ in range(count):
        places.put(None)
    return places


def _take(places: Places, waiting: Places, seconds: float) -> None:
    """Takes a place; raises Overloaded."""
    try:
        places.get_nowait()
    except Empty:
        try:
            waiting.get_nowait()
        except Empty:
            raise Overloaded("too many requests are under way and waiting") from None
        try:
            places.get(timeout=seconds)
        except Empty:
            raise Overloaded("too many requests are under way") from None
        finally:
            waiting.put(None)
