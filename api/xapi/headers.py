"""Headers of xAPI: the version asked for and answered, and how far an answer is complete.

1.0.3 Communication 3.3 (versioning) and 2.1.3 (Consistent-Through); 2.0.0 4.1.3 and 4.1.6.1.
"""

import time
from collections.abc import Callable
from datetime import datetime
from email.utils import format_datetime
from threading import Lock

from flask import Blueprint, Flask, Response, current_app, g, request

from api.services import services
from domain.errors import Invalid
from domain.values.timestamp import write
from domain.values.version import Version

VERSION = "X-Experience-API-Version"
CONSISTENT_THROUGH = "X-Experience-API-Consistent-Through"
CONSISTENT_FOR = 0.1
"""Seconds that a moment is given again: an earlier one is just as true, and this one costs."""

_CACHE = "kumbuka_consistent_through"


def require_version() -> None:
    """Before each request but of /about: leaves the version in `g`; raises Invalid without one."""
    given: str | None = request.environ.get("HTTP_X_EXPERIENCE_API_VERSION")
    if given is None:
        raise Invalid(VERSION, "missing", "send this header: 1.0.3 or 2.0.0", "2.0.0 4.1.4")
    g.xapi_version = Version.parse(given.strip())


def version() -> Version:
    """Returns the version that this request is made in."""
    found = g.xapi_version
    assert isinstance(found, Version)
    return found


def answer_version(response: Response) -> Response:
    """After each request under /xapi, refused ones too: says the version that answers."""
    if request.path.startswith("/xapi"):
        asked = g.get("xapi_version")
        response.headers[VERSION] = str(asked or services().settings.default_xapi_version)
    return response


def take_consistent_through() -> None:
    """Before each statements request, so before it looks: how far its answer will be complete."""
    found = services()
    g.consistent_through = current_app.extensions[_CACHE](found.store.consistent_through)


def answer_consistent_through(response: Response) -> Response:
    """After each statements request: all stored before this moment could be read in it."""
    through: str | None = g.get("consistent_through")
    if through is not None:
        response.headers[CONSISTENT_THROUGH] = through
    return response


def last_modified(moment: datetime) -> str:
    """Returns `moment` as HTTP writes it (RFC 9110, 5.6.7)."""
    return format_datetime(moment, usegmt=True)


def install(app: Flask) -> None:
    """Makes answers of `app` under /xapi tell their version, and what they are complete to."""
    app.extensions[_CACHE] = ConsistentThrough()
    app.after_request(answer_version)


def guard(blueprint: Blueprint) -> None:
    """Makes each request of `blueprint` name its version."""
    blueprint.before_request(require_version)


class ConsistentThrough:
    """The moment before which everything can be read, as it was within the last while.

    One request at a time looks for a newer one; the others meanwhile give the one before.
    """

    def __init__(self) -> None:
        self._looking = Lock()
        self._looked = float("-inf")
        self._moment = ""

    def __call__(self, look: Callable[[], datetime]) -> str:
        """Returns it as a timestamp; raises what `look` raises."""
        now = time.monotonic()
        if now - self._looked > CONSISTENT_FOR and self._looking.acquire(blocking=not self._moment):
            try:
                self._moment = write(look())
                self._looked = now
            finally:
                self._looking.release()
        return self._moment
