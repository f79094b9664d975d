"""`/xapi/statements` (1.0.3 Communication 2.1; 2.0.0 4.1.6.1): store, read one, read pages."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import orjson
from flask import Blueprint, Response, url_for

from api.authentication import credential
from api.authorisation import requires
from api.conditional import tag
from api.limits import limits
from api.quotas import within_quota
from api.requests import single_values
from api.services import services
from api.xapi import attachments, headers, refusals
from api.xapi.filters import Asked, asked
from api.xapi.parameters import Given, no_parameters, only, required, uuid
from api.xapi.responses import json, rendered
from domain.errors import Erased, Invalid
from domain.roles import Action
from domain.values.timestamp import parse
from lrs.attachments import Sent
from lrs.statements import Accepted

CURSORS = "xapi statements"

statements = Blueprint("statements", __name__, url_prefix="/xapi/statements")
headers.guard(statements)
statements.before_request(headers.take_consistent_through)
statements.after_request(headers.answer_consistent_through)
refusals.install(statements)


@statements.post("")
@requires(Action.WRITE_STATEMENTS)
def store() -> Response:
    """Stores one statement or a batch, all or none; returns their ids in the order sent."""
    no_parameters()
    content, sent = attachments.body()
    if isinstance(content, list):
        limits().statements(credential(), len(content))
        with within_quota(len(content)) as admitted:
            accepted = services().statements.accept(credential(), content, headers.version(), sent)
            admitted.position = accepted.position
    else:
        accepted = _accept_one(content, sent)
    return json(accepted.texts)


@statements.put("")
@requires(Action.WRITE_STATEMENTS)
def store_as() -> tuple[str, int]:
    """Stores one statement under the id of the address."""
    given = single_values()
    only(given, ("statementId",))
    statement_id = required(given, "statementId", uuid)
    statement, sent = attachments.body()
    if isinstance(statement, dict):
        inside = statement.setdefault("id", str(statement_id))
        if not isinstance(inside, str) or inside.lower() != str(statement_id):
            detail = "the statement's id is not that of the address"
            raise Invalid("/id", "other-id", detail, "1.0.3 Communication 2.1.1")
    _accept_one(statement, sent)
    return "", 204


@statements.get("")
@requires(Action.READ_OWN_STATEMENTS)
def read() -> Response:
    """Returns one statement by its id, or the first page of those that match.

    Whoever may read their own statements only finds no others.
    """
    given = single_values()
    wanted = asked(given, services().settings.max_page)
    if wanted.statement_id is None:
        return _page(given, wanted, None)
    statement = services().queries.get(
        credential().institution,
        wanted.statement_id,
        voided=wanted.voided,
        authority=_own_only(),
        source=headers.source(),
    )
    content = orjson.dumps(rendered([statement], wanted.format)[0])
    response = _answer(content, [statement], wanted)
    response.headers["Last-Modified"] = headers.last_modified(parse(statement["stored"]))
    return response


@statements.get("/more/<cursor>")
@requires(Action.READ_OWN_STATEMENTS)
def more(cursor: str) -> Response:
    """Returns the page that a `more` link leads to."""
    no_parameters()
    held = services().cursors.open(cursor, CURSORS, credential().institution)
    given = held["given"]
    return _page(given, asked(given, services().settings.max_page), held["after"])


def _page(given: Given, wanted: Asked, after: int | None) -> Response:
    institution = credential().institution
    narrowed = replace(wanted.filter, authority=_own_only())
    page = services().queries.page(institution, narrowed, wanted.limit, after, headers.source())
    said = orjson.dumps({"statements": rendered(page.statements, wanted.format)})
    if page.next is None:
        return _answer(said, page.statements, wanted)
    held = {"given": dict(given), "after": page.next}
    cursor = services().cursors.seal(held, CURSORS, institution)
    more = orjson.dumps(url_for("statements.more", cursor=cursor))
    response = _answer(b'%b,"more":%b}' % (said[:-1], more), page.statements, wanted)
    if not wanted.attachments:  # a cursor looks different each time, and says the same
        tag(response, said, orjson.dumps(held))
    return response


def _own_only() -> dict[str, Any] | None:
    """Returns the only authority that the caller may read statements of; None for any."""
    if credential().may(Action.READ_STATEMENTS):
        return None
    return services().statements.authority(credential())


def _answer(content: bytes, found: Sequence[dict[str, Any]], wanted: Asked) -> Response:
    return attachments.answer(content, found) if wanted.attachments else json(content)


def _accept_one(statement: Any, sent: Iterable[Sent]) -> Accepted:
    """Stores one statement; its refusals point into it, not into a list."""
    limits().statements(credential(), 1)
    try:
        with within_quota(1) as admitted:
            accepted = services().statements.accept(
                credential(), [statement], headers.version(), sent
            )
            admitted.position = accepted.position
            return accepted
    except Invalid as error:
        pointer = error.pointer.removeprefix("/0")
        raise Invalid(pointer, error.rule, error.detail, error.section) from None
    except Erased as error:
        raise Erased(error.pointer.removeprefix("/0")) from None
