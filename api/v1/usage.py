"""`/api/v1/usage`: what an institution stored, day by day; for the host, what every one did."""

from datetime import date
from typing import Any
from uuid import UUID

from pydantic import Field

from api.authentication import credential
from api.authorisation import requires
from api.blueprints import noun
from api.paging import AsOf, Page, PageQuery, Strict, cut, page
from api.services import go_to, services
from domain.errors import Forbidden
from domain.roles import Action
from lrs.usage import Day

usage = noun("usage", __name__, "What institutions store, by day.")


class DayOut(Strict):
    """What an institution stored on a day (UTC). People are not counted."""

    institution: UUID
    day: date
    statements: int = Field(description="Recorded; voided and erased ones too: their events stay.")
    documents: int = Field(description="Versions of documents written.")
    log_bytes: int = Field(description="Sealed bytes of events of every kind.")
    content_bytes: int = Field(description="Sealed bytes of documents' and attachments' contents.")
    freed_bytes: int = Field(description="Sealed bytes of contents deleted on that day.")


class UsageQuery(PageQuery):
    """Whose usage, and when."""

    institution: UUID | None = Field(
        None,
        description="For the host; without it every one on the same shard. Others see their own.",
    )
    since: date | None = Field(None, description="First day.")
    until: date | None = Field(None, description="Last day.")


@usage.get("", responses={200: Page[DayOut]})
@requires(Action.SEE_USAGE)
def list_usage(query: UsageQuery) -> dict[str, Any]:
    """Days on which something was stored, oldest first; all is counted up to `as_of`."""
    asked = reach(query.institution)
    if asked is not None:
        go_to(asked)
    cursor = query.after()
    after = (date.fromisoformat(cursor[0]), UUID(cursor[1])) if cursor else None
    counted = services().lrs.usage
    found = counted.days(asked, query.since, query.until, after, query.limit + 1)
    shown, last = cut(found, query.limit, lambda it: [it.day.isoformat(), str(it.institution)])
    items = [_shown(day).model_dump(mode="json") for day in shown]
    position, counted_at = counted.reached()
    return page(items, last, AsOf(position=position, time=counted_at))


def reach(asked: UUID | None) -> UUID | None:
    """Returns the institution that the caller may ask of; None: every one. Raises `Forbidden`."""
    own = credential().institution
    if credential().may(Action.MANAGE_INSTITUTIONS) or asked == own:
        return asked
    if asked is not None:
        raise Forbidden("these credentials see what their own institution stores")
    return own


def _shown(day: Day) -> DayOut:
    return DayOut(**vars(day))
