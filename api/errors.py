"""Refusals to HTTP answers: one table, two bodies.

`/xapi` answers `{"error", ...}`; everything else answers problem+json (RFC 9457). Bodies go to the
caller alone; the log gets the kind of a failure and the request id, never what was sent.
"""

import time
from typing import Any

import orjson
import psycopg
import structlog
from flask import Flask, Response, request
from psycopg_pool import PoolTimeout, TooManyRequests
from pydantic import BaseModel, Field, ValidationError
from werkzeug.exceptions import HTTPException

from api.authentication import challenges
from api.security import request_id
from domain.errors import (
    BudgetExhausted,
    Conflict,
    DailyQuotaReached,
    Erased,
    Forbidden,
    Invalid,
    NotFound,
    Overloaded,
    PreconditionFailed,
    QuotaReached,
    TooFast,
    TooLarge,
    Unauthenticated,
)
from lrs.keys.ring import PersonErased
from lrs.placements import SHUT
from lrs.tenants import CLOSED
from lrs.verification import WRONG

log = structlog.get_logger("api")

RETRY_AFTER = 2
TELL_SECONDS = 1.0

STATUS: dict[type[Exception], tuple[int, str]] = {
    Invalid: (400, "Invalid"),
    RecursionError: (400, "Nested too deeply"),
    Unauthenticated: (401, "Unauthenticated"),
    QuotaReached: (403, "Quota reached"),
    PersonErased: (403, "Erased"),
    Forbidden: (403, "Forbidden"),
    Erased: (403, "Erased"),
    NotFound: (404, "Not found"),
    Conflict: (409, "Conflict"),
    PreconditionFailed: (412, "Precondition failed"),
    TooLarge: (413, "Too large"),
    BudgetExhausted: (429, "Privacy budget exhausted"),
    DailyQuotaReached: (429, "Daily quota reached"),
    TooFast: (429, "Too many requests"),
    Overloaded: (503, "Overloaded"),
    PoolTimeout: (503, "Overloaded"),
    TooManyRequests: (503, "Overloaded"),
    psycopg.OperationalError: (503, "Database away"),
}
OURS_TO_TELL = "domain.errors"


class Problem(BaseModel):
    """A refusal (RFC 9457)."""

    type: str = Field(description="Kind of the refusal, a URN.")
    title: str
    status: int
    detail: str = Field("", description="What is wrong and what to do.")
    instance: str = Field(description="URN that ends in the request id.")
    pointer: str | None = Field(None, description="JSON pointer or parameter that is wrong.")
    rule: str | None = Field(None, description="Stable code of the rule that was broken.")
    section: str | None = Field(None, description="Section of the specification.")
    ids: list[str] | None = Field(None, description="Ids that are in conflict.")
    quota: str | None = Field(None, description="Name of the quota that would be exceeded.")
    limit: int | None = Field(None, description="Its value.")
    used: int | None = Field(None, description="How much of it is used.")


def install(app: Flask) -> None:
    """Makes `app` answer every exception from the table."""
    app.register_error_handler(Exception, answer)


def answer(error: Exception) -> Response:
    """Returns the response to `error`; logs it when it is our fault."""
    if isinstance(error, psycopg.Error) and error.sqlstate == CLOSED:
        error = Unauthenticated(WRONG)
    if isinstance(error, psycopg.Error) and error.sqlstate == SHUT:
        error = Overloaded("the institution is being moved to another database: send this again")
    status, title = _status(error)
    body: dict[str, Any] = {"detail": _detail(error, title)}
    if isinstance(error, Invalid):
        body |= {"pointer": error.pointer, "rule": error.rule}
        body |= {"section": error.section} if error.section else {}
    elif isinstance(error, Erased):
        body |= {"pointer": error.pointer, "rule": "erased"}
    elif isinstance(error, Conflict) and error.ids:
        body["ids"] = list(error.ids)
    elif isinstance(error, QuotaReached | DailyQuotaReached):
        body |= {"rule": "quota", "quota": error.quota, "limit": error.limit, "used": error.used}
    if status == 503:
        _tell_seldom(type(error).__qualname__)
    elif status >= 500:
        log.error("failed", status=status, kind=type(error).__qualname__, exc_info=error)
    response = _xapi(body) if request.path.startswith("/xapi") else _problem(status, title, body)
    response.status_code = status
    for challenge in challenges(error):
        response.headers.add("WWW-Authenticate", challenge)
    if status == 503 or isinstance(error, TooFast):
        response.headers["Retry-After"] = str(getattr(error, "retry_after", RETRY_AFTER))
    if isinstance(error, HTTPException):
        _keep_headers(error, response)
    return response


def refuse_model(error: ValidationError) -> Response:
    """Raises Invalid for the first fault that pydantic found in a query, path or body."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    pointer = "/".join(str(part) for part in first["loc"])
    raise Invalid(pointer, first["type"], first["msg"]) from None


def _tell_seldom(kind: str) -> None:
    """Logs that there is no capacity, once a second: metrics count, and refusing must be cheap."""
    now = time.monotonic()
    if now - _told.get(kind, float("-inf")) >= TELL_SECONDS:
        _told[kind] = now
        log.warning("no_capacity", kind=kind)


_told: dict[str, float] = {}


def _status(error: Exception) -> tuple[int, str]:
    for kind in type(error).__mro__:
        if kind in STATUS:
            return STATUS[kind]
    if isinstance(error, HTTPException):
        return error.code or 500, error.name
    return 500, "Internal error"


def _detail(error: Exception, title: str) -> str:
    if isinstance(error, Invalid | Conflict):
        return error.detail
    if type(error).__module__ == OURS_TO_TELL:
        return str(error)
    if isinstance(error, HTTPException):
        return error.description or title
    return f"{title}. The log has more under this request id."


def _xapi(body: dict[str, Any]) -> Response:
    detail = body.pop("detail")
    body = {"error": detail, **body, "request_id": request_id()}
    return Response(orjson.dumps(body), content_type="application/json")


def _problem(status: int, title: str, body: dict[str, Any]) -> Response:
    problem = {
        "type": "urn:kumbuka:problem:" + title.lower().replace(" ", "-"),
        "title": title,
        "status": status,
        "instance": f"urn:kumbuka:request:{request_id()}",
        **body,
    }
    return Response(orjson.dumps(problem), content_type="application/problem+json")


def _keep_headers(error: HTTPException, response: Response) -> None:
    """A 405 tells what is allowed, a 415 which codings are; a redirect tells where."""
    for name, value in error.get_headers():
        if name in {"Allow", "Accept-Encoding", "Location"}:
            response.headers[name] = value
