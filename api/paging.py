"""Lists: `{"items", "next", "as_of"}`, pages by sealed cursors, never by offset."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from flask import request
from pydantic import BaseModel, ConfigDict, Field

from api.authentication import credential
from api.services import services

Item = TypeVar("Item")


class Strict(BaseModel):
    """Base of every model of this API: what is not declared is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AsOf(Strict):
    """What an answer reflects: everything up to this log position, and when that was recorded."""

    position: int
    time: datetime | None = None


class Page(Strict, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    next: str | None = Field(description="Address of the next page; null at the end.")
    as_of: AsOf


class PageQuery(Strict):
    """Query parameters of every list."""

    limit: int = Field(50, ge=1, le=500, description="Most items on a page.")
    cursor: str | None = Field(None, max_length=4096, description="From `next`; opaque.")

    def after(self) -> Any:
        """Returns what `page` was given as `after` for this page, or None on the first.

        Raises Invalid when the cursor was not given out here for this list and institution.
        """
        if self.cursor is None:
            return None
        return services().cursors.open(self.cursor, request.path, credential().institution)


def cut(found: list[Item], limit: int, place: Callable[[Item], Any]) -> tuple[list[Item], Any]:
    """Returns `limit` of what was found, and what `page` is given as `after`.

    That is the place of the last of them; None where no more was found: look for one more.
    """
    shown = found[:limit]
    return shown, place(shown[-1]) if len(found) > limit else None


def page(items: Sequence[Item], after: Any, as_of: AsOf) -> dict[str, Any]:
    """Returns the envelope; `after` is what the next page starts after (JSON), None at the end."""
    return {"items": list(items), "next": _next(after), "as_of": as_of.model_dump(mode="json")}


def _next(after: Any) -> str | None:
    if after is None:
        return None
    cursor = services().cursors.seal(after, request.path, credential().institution)
    others = [(key, value) for key, value in request.args.items(multi=True) if key != "cursor"]
    return f"{request.path}?{urlencode([*others, ('cursor', cursor)])}"
