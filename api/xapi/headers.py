"""Headers of xAPI: the version asked for and answered, and how far an answer is complete.

1.0.3 Communication 3.3 (versioning) and 2.1.3 (Consistent-Through); 2.0.0 4.1.3 and 4.1.6.1.
"""

import time
from datetime import datetime
from email.utils import format_datetime

from flask import Blueprint, Response, current_app, g, request

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
    given = request.headers.get(VERSION)
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
        default = services().settings.default_xapi_version
        response.headers[VERSION] = str(g.get("xapi_version", default))
    return response


def take_consistent_through() -> None:
    """Before each statements request, so before it looks: how far its answer will be complete."""
    g.consistent_through = _consistent_through()


def answer_consistent_through(response: Response) -> Response:
    """After each statements request: all stored before this moment could be read in it."""
    if "consistent_through" in g:
        response.headers[CONSISTENT_THROUGH] = write(g.consistent_through)
    return response


def last_modified(moment: datetime) -> str:
    """Returns `moment` as HTTP writes it (RFC 9110, 5.6.7)."""
    return format_datetime(moment, usegmt=True)


def guard(blueprint: Blueprint) -> None:
    """Makes each request of `blueprint` name its version."""
    blueprint.before_request(require_version)


def _consistent_through() -> datetime:
    asked, moment = current_app.extensions.get(_CACHE, (0.0, None))
    now = time.monotonic()
    if moment is None or now - asked > CONSISTENT_FOR:
        moment = services().store.consistent_through()
        current_app.extensions[_CACHE] = (now, moment)
    assert isinstance(moment, datetime)
    return moment
