"""How many requests this process works on at once: a bound that holds whatever server runs it.

Who finds no place waits as long as for a database connection, then is sent away (503) with a time
to come back. Health and metrics always have a place: they must answer when nothing else does.
"""

from threading import BoundedSemaphore

from flask import Flask, g, request

from domain.errors import Overloaded
from lrs.settings import Settings

FREE = ("/health", "/metrics", "/static")


def install(app: Flask, settings: Settings) -> None:
    """Bounds the requests of `app`."""
    places = BoundedSemaphore(settings.max_concurrent)

    def enter() -> None:
        if request.path.startswith(FREE):
            return
        if not places.acquire(timeout=settings.pool_timeout):
            raise Overloaded(f"{settings.max_concurrent} requests are under way")
        g.has_place = True

    def leave(_: BaseException | None) -> None:
        if g.pop("has_place", False):
            places.release()

    app.before_request(enter)
    app.teardown_request(leave)
