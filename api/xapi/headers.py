"""Headers of xAPI: the version asked for and answered, and how far an answer is complete.

1.0.3 Communication 3.3 (versioning) and 2.1.3 (Consistent-Through); 2.0.0 4.1.3 and 4.1.6.1.
"""

from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache

from flask import Blueprint, Flask, Response, g, request

from api.services import services
from domain.errors import Invalid
from domain.values.timestamp import write
from domain.values.version import Version
from lrs.replica import Source

VERSION = "X-Experience-API-Version"
CONSISTENT_THROUGH = "X-Experience-API-Consistent-Through"


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
    """Before each statements request, so before it looks: where, and how far that is complete."""
    g.source = source = services().reads.source()
    g.consistent_through = _written(source.through)


# What a server said is used again for a while.
_written = lru_cache(maxsize=16)(write)


def source() -> Source:
    """Returns where this request reads statements."""
    found = g.source
    assert isinstance(found, Source)
    return found


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
    """Makes answers of `app` under /xapi tell their version."""
    app.after_request(answer_version)


def guard(blueprint: Blueprint) -> None:
    """Makes each request of `blueprint` name its version."""
    blueprint.before_request(require_version)
