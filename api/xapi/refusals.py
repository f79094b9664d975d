"""What POST and PUT of statements refuse goes on record in the quarantine, then is answered.

Only what a known credential sent. Keeping it may fail; answering may not.
"""

import structlog
from flask import Blueprint, Response, g, request

from api import errors
from api.authentication import credential
from api.services import services
from api.xapi import attachments
from api.xapi.parameters import uuid
from domain.errors import Error, Invalid
from domain.quarantine import reason
from domain.values.version import Version

log = structlog.get_logger("api")

METHODS = frozenset({"POST", "PUT"})


def install(blueprint: Blueprint) -> None:
    """Makes `blueprint` keep what it refuses."""
    blueprint.register_error_handler(Error, _refuse)


def _refuse(error: Error) -> Response:
    if request.method in METHODS and "credential" in g and reason(error) is not None:
        try:
            version = g.get("xapi_version", services().settings.default_xapi_version)
            services().refusals.keep(credential(), _content(), error, Version(version))
        except Exception as failure:
            log.warning("refusal_not_kept", kind=type(failure).__qualname__)
    return errors.answer(error)


def _content() -> object:
    """Returns the JSON that was sent; None where it cannot be read."""
    if "content" not in g:
        try:
            attachments.body()
        except Error:
            return None
    content: object = g.content
    if request.method == "PUT" and isinstance(content, dict) and "id" not in content:
        try:
            content["id"] = str(uuid("statementId", request.args.get("statementId", "")))
        except Invalid:
            return content
    return content
