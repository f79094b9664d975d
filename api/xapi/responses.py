"""Statements as answers: in the form asked for, as JSON."""

from collections.abc import Sequence
from typing import Any

import orjson
from flask import Response, request

from api.authentication import credential
from api.services import services
from domain.statements.formats import Format, render
from domain.statements.references import activities

Json = dict[str, Any]

JSON = "application/json"
NEVER_RUN = "sandbox; default-src 'none'"
"""Content-Security-Policy of what others sent: it must never run as a page of ours."""


def json(content: Any) -> Response:
    """Returns a JSON response; of bytes, which are JSON already."""
    body = content if isinstance(content, bytes) else orjson.dumps(content)
    return Response(body, content_type=JSON)


def rendered(statements: Sequence[Json], wanted: Format) -> list[Json]:
    """Returns statements in the form asked for, in the languages that the reader prefers."""
    if wanted != "canonical":
        return [render(statement, wanted) for statement in statements]
    definitions = _definitions(statements)
    languages = list(request.accept_languages.values())
    return [render(statement, wanted, languages, definitions) for statement in statements]


def _definitions(statements: Sequence[Json]) -> dict[str, Json]:
    """Returns what the catalogue says of every activity of these statements, by IRI."""
    institution, catalogue = credential().institution, services().activities
    named = {ref.activity["id"] for statement in statements for ref in activities(statement)}
    described = catalogue.describe(institution, [catalogue.identify(institution, n) for n in named])
    return {one.iri: one.definition for one in described.values()}
