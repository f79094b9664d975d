"""How each noun of `/api/v1` gets its blueprint: one prefix, one tag, every refusal described."""

from http import HTTPStatus
from typing import Any

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel

from api.errors import STATUS
from api.requests import single_values
from domain.roles import Role
from domain.scopes import Scope

PEOPLE = [role for role in Role if role is not Role.TOOL]
Responses = dict[str | int | HTTPStatus, type[BaseModel] | dict[Any, Any] | None]

SECURITY_SCHEMES: dict[str, Any] = {
    "basic": {"type": "http", "scheme": "basic", "description": "Key and secret of a credential."},
    "oauth2": {
        "type": "oauth2",
        "description": "A token for some minutes; client id and secret are a credential's.",
        "flows": {
            "clientCredentials": {
                "tokenUrl": "/oauth/token",
                "scopes": {scope.value: f"xAPI: {scope.value}." for scope in Scope}
                | {role.value: f"The role {role.value}." for role in PEOPLE},
            }
        },
    },
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
        abp_security=[{"basic": []}, {"oauth2": []}],
        abp_responses=refusals(400, 401, 403, 404, 413, 429, 500, 503),
    )
    blueprint.before_request(_refuse_repeated_parameters)
    return blueprint


def _refuse_repeated_parameters() -> None:
    """No parameter here is a list, and taking the first of two would hide a mistake."""
    single_values()
