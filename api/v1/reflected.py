"""What an answer from the views reflects, and waiting until they reflect what one has written."""

import time
from contextlib import AbstractContextManager
from typing import Any

from flask import g
from psycopg import Connection
from pydantic import Field

from api.paging import AsOf, PageQuery, Strict
from api.services import services
from domain.errors import Overloaded
from lrs.replica import Source
from projections.views import tracking

WAIT_SECONDS = 10.0
"""How long an answer waits for the views at most."""
POLL_SECONDS = 0.02


class Fresh(Strict):
    """Query parameters of every answer from the views."""

    wait_for: int | None = Field(
        None, ge=0, description="Log position that the answer must reflect; waits for it."
    )


class FreshPageQuery(PageQuery):
    """Query parameters of every list from the views."""

    wait_for: int | None = Field(
        None, ge=0, description="Log position that the answer must reflect; waits for it."
    )


def as_of(wait_for: int | None) -> AsOf:
    """Returns what the views reflect where this request reads them (`reading`), asked before they
    are read: an answer is never older.

    Raises Overloaded when they do not reflect position `wait_for` in time.
    """
    until = time.monotonic() + WAIT_SECONDS
    while True:
        # Chosen anew each time: a replica that falls behind is not waited for.
        g.source = services().reads.source()
        with reading() as connection:
            reached = tracking.reflected(connection)
        if wait_for is None or reached.position >= wait_for:
            return AsOf(position=reached.position, time=reached.time)
        if time.monotonic() >= until:
            raise Overloaded(f"the views do not reflect position {wait_for} yet", retry_after=2)
        time.sleep(POLL_SECONDS)


def reading() -> AbstractContextManager[Connection[Any]]:
    """Returns a connection to where this request reads views, once `as_of` has chosen it."""
    source = g.source
    assert isinstance(source, Source)
    found: AbstractContextManager[Connection[Any]] = source.connection()
    return found
