"""`/xapi/statements` (1.0.3 Communication 2.1; 2.0.0 4.1.6.1): store, read one, read pages."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request, url_for

from api.authentication import credential
from api.authorisation import requires
from api.requests import single_values
from api.services import services
from api.xapi import headers, parameters
from api.xapi.parameters import Asked
from api.xapi.responses import json, rendered, with_parts
from domain.errors import Erased, Invalid
from domain.roles import Action
from domain.values.timestamp import parse
from lrs.statements import Accepted

CURSORS = "xapi statements"

statements = Blueprint("statements", __name__, url_prefix="/xapi/statements")
headers.guard(statements)
statements.after_request(headers.answer_consistent_through)


@statements.post("")
@requires(Action.WRITE_STATEMENTS)
def store() -> Response:
    """Stores one statement or a batch, all or none; returns their ids in the order sent."""
    parameters.no_parameters()
    body = _body()
    if isinstance(body, list):
        accepted = services().statements.accept(credential(), body, headers.version())
    else:
        accepted = _accept_one(body)
    return json([str(statement_id) for statement_id in accepted.ids])


@statements.put("")
@requires(Action.WRITE_STATEMENTS)
def store_as() -> tuple[str, int]:
    """Stores one statement under the id of the address."""
    statement_id = parameters.statement_id()
    statement = _body()
    if isinstance(statement, dict):
        inside = statement.setdefault("id", str(statement_id))
        if not isinstance(inside, str) or inside.lower() != str(statement_id):
            detail = "the statement's id is not that of the address"
            raise Invalid("/id", "other-id", detail, "1.0.3 Communication 2.1.1")
    _accept_one(statement)
    return "", 204


@statements.get("")
@requires(Action.READ_STATEMENTS)
def read() -> Response:
    """Returns one statement by its id, or the first page of those that match."""
    given = single_values()
    asked = _asked(given)
    if asked.statement_id is None:
        return _page(given, asked, None)
    statement = services().queries.get(
        credential().institution, asked.statement_id, voided=asked.voided
    )
    shown = rendered(statement, asked.format)
    response = with_parts(shown) if asked.attachments else json(shown)
    response.headers["Last-Modified"] = headers.last_modified(parse(statement["stored"]))
    return response


@statements.get("/more/<cursor>")
@requires(Action.READ_STATEMENTS)
def more(cursor: str) -> Response:
    """Returns the page that a `more` link leads to."""
    parameters.no_parameters()
    held = services().cursors.open(cursor, CURSORS, credential().institution)
    return _page(held["given"], _asked(held["given"]), held["after"])


def _asked(given: Mapping[str, str]) -> Asked:
    return parameters.asked(given, headers.version(), services().settings.max_page)


def _page(given: Mapping[str, str], asked: Asked, after: int | None) -> Response:
    institution = credential().institution
    page = services().queries.page(institution, asked.filter, asked.limit, after)
    result: dict[str, Any] = {
        "statements": [rendered(statement, asked.format) for statement in page.statements]
    }
    if page.next is not None:
        held = {"given": dict(given), "after": page.next}
        cursor = services().cursors.seal(held, CURSORS, institution)
        result["more"] = url_for("statements.more", cursor=cursor)
    return with_parts(result) if asked.attachments else json(result)


def _accept_one(statement: Any) -> Accepted:
    """Stores one statement; its refusals point into it, not into a list."""
    try:
        return services().statements.accept(credential(), [statement], headers.version())
    except Invalid as error:
        pointer = error.pointer.removeprefix("/0")
        raise Invalid(pointer, error.rule, error.detail, error.section) from None
    except Erased as error:
        raise Erased(error.pointer.removeprefix("/0")) from None


def _body() -> Any:
    if request.mimetype == "multipart/mixed":
        detail = "attachments are not accepted here yet: send application/json with fileUrl"
        raise Invalid("Content-Type", "multipart", detail, "1.0.3 Communication 1.5.2")
    if request.mimetype != "application/json":
        raise Invalid("Content-Type", "media-type", "send application/json")
    return request.get_json()
