"""What an answer from the views reflects, and waiting until they reflect what one has written."""

from pydantic import Field

from api.paging import AsOf, PageQuery, Strict
from api.services import services
from domain.errors import Overloaded
from projections.views import tracking

WAIT_SECONDS = 10.0
"""How long an answer waits for the views at most."""


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
    """Returns what the views reflect, asked before they are read: an answer is never older.

    Raises Overloaded when they do not reflect position `wait_for` in time.
    """
    pool = services().pool
    if wait_for is not None and not tracking.wait_for(pool, wait_for, WAIT_SECONDS):
        raise Overloaded(f"the views do not reflect position {wait_for} yet", retry_after=2)
    with pool.connection() as connection:
        reached = tracking.reflected(connection)
    return AsOf(position=reached.position, time=reached.time)
