"""The description of `/api/v1`: OpenAPI 3.1 as JSON, and as a page with its assets beside it.

The page is Swagger UI as packaged for flask-openapi3; we serve its files with a page of our own,
because theirs has inline scripts, which our content security policy refuses.
"""

from importlib.resources import files
from typing import Any

from flask import Blueprint, Response, current_app, make_response, render_template
from flask_openapi3.openapi import OpenAPI

from api.authorisation import public

ASSETS = str(files("flask_openapi3_swagger") / "templates" / "swagger")
# Swagger UI styles its elements by attributes.
POLICY = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "script-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)

description = Blueprint(
    "description", __name__, static_folder=ASSETS, static_url_path="/static/swagger"
)


@description.get("/api/v1/openapi.json")
@public
def openapi() -> Any:
    """Returns the description."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    assert isinstance(app, OpenAPI)
    return app.api_doc


@description.get("/api/v1/")
@public
def page() -> Response:
    """Returns the description for reading and trying."""
    response = make_response(render_template("api.html"))
    response.headers["Content-Security-Policy"] = POLICY
    return response
