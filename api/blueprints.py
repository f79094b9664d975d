"""How each noun of `/api/v1` gets its blueprint: one prefix, one tag, every refusal described."""

from http import HTTPStatus
from typing import Any

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel

from api.errors import STATUS
from api.requests import single_values

Responses = dict[str | int | HTTPStatus, type[BaseModel] | dict[Any, Any] | None]

SECURITY_SCHEMES: dict[str, Any] = {
    "basic": {"type": "http", "scheme": "basic", "description": "Key and secret of a credential."}
}
SCHEMA = {"schema": {"$ref": "#/components/schemas/Problem"}}


def refusals(*statuses: int) -> Responses:
    """Returns descriptions of problem+json answers, for `responses=` of a route."""
    titles = dict(STATUS.values()) | {500: "Internal error"}
    return {
        status: {"description": titles[status], "content": {"application/problem+json": SCHEMA}}
        for status in statuses
    }


def noun(name: str, import_name: str, description: str) -> APIBlueprint:
    """Returns the blueprint of `/api/v1/{name}`."""
    blueprint = APIBlueprint(
        name,
        import_name,
        url_prefix=f"/api/v1/{name}",
        abp_tags=[Tag(name=name, description=description)],
        abp_security=[{"basic": []}],
        abp_responses=refusals(400, 401, 403, 404, 413, 500, 503),
    )
    blueprint.before_request(_refuse_repeated_parameters)
    return blueprint


def _refuse_repeated_parameters() -> None:
    """No parameter here is a list, and taking the first of two would hide a mistake."""
    single_values()
