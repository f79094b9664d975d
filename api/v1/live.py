"""`/api/v1/statements/live`: new statements as Server-Sent Events (HTML standard, 9.2)."""

import re
from collections.abc import Iterator
from http import HTTPStatus
from threading import BoundedSemaphore
from typing import Any

import orjson
import psycopg
import structlog
from flask import Response, copy_current_request_context, current_app, g, request
from psycopg_pool import PoolTimeout, TooManyRequests
from pydantic import BaseModel, ConfigDict, Field

from api.authentication import authenticate, credential
from api.authorisation import requires
from api.blueprints import noun
from api.capacity import live_streams
from api.paging import Strict
from api.requests import single_values
from api.services import go_to, placement, services
from api.xapi import headers
from api.xapi.filters import asked
from domain.errors import Invalid, Overloaded, Unauthenticated
from domain.roles import Action
from domain.statements.formats import render
from domain.values.version import Version
from lrs.live import Beat
from lrs.queries import as_read

log = structlog.get_logger("api.live")

EVENT_STREAM = "text/event-stream"
RETRY_MILLISECONDS = 2000
RETRY_AFTER = 30
NOT_OF_A_STREAM = ("since", "until", "limit", "ascending", "attachments")
OPEN = "kumbuka_live_streams"
EVENT_ID = re.compile(r"^(?:([0-9]{1,6})-)?([0-9]{1,18})$", re.ASCII)

live = noun("statements/live", __name__, "Statements as they come.")


class _Moved(Exception):
    """What the stream follows is no longer where the institution lives."""


class LiveQuery(Strict):
    """Which statements; parameters mean what they mean at /xapi/statements."""

    agent: str | None = Field(None, description="An Agent or identified Group, JSON.")
    verb: str | None = None
    activity: str | None = None
    registration: str | None = None
    related_agents: str | None = Field(None, description="true or false.")
    related_activities: str | None = Field(None, description="true or false.")
    format: str | None = Field(None, description="exact, ids or canonical.")


class LiveHeader(BaseModel):
    """Where to go on."""

    model_config = ConfigDict(populate_by_name=True)

    last_event_id: str | None = Field(
        None, alias="Last-Event-ID", description="Position from `id`; without it: from now on."
    )


DESCRIBED: dict[str | int | HTTPStatus, Any] = {
    200: {
        "description": "Events: `id` is a log position, `data` a statement. Comments keep it open.",
        "content": {EVENT_STREAM: {"schema": {"type": "string"}}},
    }
}


@live.get("", responses=DESCRIBED)
@requires(Action.READ_STATEMENTS)
def stream(query: LiveQuery, header: LiveHeader) -> Response:  # noqa: ARG001
    """New statements of the caller's institution that match, in log order, until it hangs up.

    Ends when the credential is revoked, or the institution moves. Come back with `Last-Event-ID`,
    and none is lost.
    """
    given = single_values()
    for name in NOT_OF_A_STREAM:
        if name in given:
            raise Invalid(name, "unknown-parameter", "not of a stream: it has no order and no end")
    default = services().settings.default_xapi_version
    g.xapi_version = Version.parse(request.headers.get(headers.VERSION, default))
    wanted = asked(given, 1)
    languages = list(request.accept_languages.values())
    after = _after(header.last_event_id)
    reader = credential()
    began = placement()
    # Positions of another epoch are of another log: an id says of which it is.
    of = b"%d-" % began.epoch if began is not None and began.epoch else b""

    @copy_current_request_context
    def admit() -> None:
        authenticate()
        go_to(reader.institution)
        now = placement()
        if began is not None and now is not None and now.epoch != began.epoch:
            raise _Moved

    follow = services().lrs.live.follow
    found = follow(reader.institution, reader.key, wanted.filter, after, admit)

    def events() -> Iterator[bytes]:
        # An id without data moves where to go on, and is not an event to the reader.
        yield b"retry: %d\nid: %b%d\n\n" % (RETRY_MILLISECONDS, of, after)
        try:
            for item in found:
                if isinstance(item, Beat):
                    yield b":\nid: %b%d\n\n" % (of, item.reached)
                    continue
                shown = render(as_read(item.recorded), wanted.format, languages)
                yield b"id: %b%d\ndata: %b\n\n" % (of, item.resume, orjson.dumps(shown))
        except (Unauthenticated, _Moved):
            return
        except (psycopg.OperationalError, PoolTimeout, TooManyRequests) as error:
            log.warning("stream ends", kind=type(error).__qualname__)

    places = _places()
    if not places.acquire(blocking=False):
        raise Overloaded("as many live streams are open as may be", retry_after=RETRY_AFTER)
    response = Response(events(), content_type=EVENT_STREAM)
    response.headers["X-Accel-Buffering"] = "no"  # nginx would hold events back
    response.call_on_close(places.release)
    return response


def _after(last_event_id: str | None) -> int:
    if last_event_id is None:
        return services().store.head()
    matched = EVENT_ID.match(last_event_id)
    if matched is None:
        raise Invalid("Last-Event-ID", "position", "not an id of this stream")
    epoch, position, here = int(matched[1] or 0), int(matched[2]), placement()
    if here is not None and epoch == here.epoch - 1:
        return services().lrs.placements.arrived(services().pool, here, position)
    if epoch != (0 if here is None else here.epoch):
        raise Invalid("Last-Event-ID", "moved", "the institution moved since: begin anew")
    return min(position, services().store.head())


def _places() -> BoundedSemaphore:
    """Returns the places for streams of this process: half of its threads at most."""
    most = live_streams(services().settings)
    found = current_app.extensions.setdefault(OPEN, BoundedSemaphore(most))
    assert isinstance(found, BoundedSemaphore)
    return found
