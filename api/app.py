"""The Flask app: what is hung in where. No behaviour of its own.

To add a noun to `/api/v1`:

1. `api/v1/things.py`: `things = noun("things", __name__, "What things are.")`
2. Each view: `@things.get("/<uuid:id>", responses={200: Thing})`, below it
   `@requires(Action.READ_LEARNING)` (or `@public`). Arguments `path:`, `query:`, `body:` are
   models derived from `api.paging.Strict`; lists take a `PageQuery` and give `page(...)` back.
   A view returns a model, a dict, or a tuple of one and a status; it raises `domain.errors`.
3. Reach the stores by `services()`, the caller by `credential()`; filter by its institution.
4. Add the blueprint to `V1` below.

A route without a mark of who may use it stops the app from starting.
"""

from typing import Any

import orjson
from flask import Blueprint, Flask
from flask import Response as FlaskResponse
from flask.json.provider import JSONProvider
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.info import Info
from pydantic import BaseModel

from api import (
    authorisation,
    capacity,
    coding,
    conditional,
    cors,
    errors,
    limits,
    metrics,
    security,
)
from api.blueprints import SECURITY_SCHEMES
from api.dispatch import Dispatch
from api.docs import docs
from api.front import front
from api.health import health
from api.oauth import oauth
from api.requests import MAX_BODY, Request
from api.responses import Response
from api.services import EXTENSION, Services
from api.v1.analytics import analytics
from api.v1.audit import audit
from api.v1.courses import courses
from api.v1.credentials import credentials
from api.v1.description import description
from api.v1.erasures import erasures
from api.v1.forwardings import forwardings
from api.v1.institutions import institutions
from api.v1.learners import learners
from api.v1.live import live
from api.v1.quarantine import quarantine
from api.v1.usage import usage
from api.xapi import alternate, headers
from api.xapi.about import about
from api.xapi.activities import activities
from api.xapi.agents import agents
from api.xapi.documents import documents
from api.xapi.statements import statements

V1: tuple[APIBlueprint, ...] = (
    analytics,
    audit,
    courses,
    credentials,
    erasures,
    forwardings,
    institutions,
    learners,
    live,
    quarantine,
    usage,
)
XAPI: tuple[Blueprint, ...] = (about, activities, agents, documents, statements)
PAGES: tuple[Blueprint, ...] = (front, docs, health, description, metrics.metrics, oauth)

INFO = Info(
    title="Kumbuka LRS",
    version="1",
    description="Courses and learners, released aggregates, erasures, audit and administration.",
)


class Json(JSONProvider):
    """JSON by orjson."""

    def dumps(self, obj: Any, **_: Any) -> str:
        return orjson.dumps(obj).decode()

    def loads(self, s: str | bytes, **_: Any) -> Any:
        return orjson.loads(s)


class App(Dispatch):
    """Flask with our request and response, JSON by orjson, and models as answers."""

    request_class = Request
    response_class = Response
    json_provider_class = Json

    def wsgi_app(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Answers a request, put into its plain form first."""
        plain = alternate.plain(environ, self.config[MAX_BODY])
        return super().wsgi_app(plain, security.securing(plain, start_response))

    def make_response(self, rv: Any) -> FlaskResponse:
        """Returns `rv` as a response; a model, alone or first of a tuple, becomes JSON."""
        if isinstance(rv, BaseModel):
            rv = as_json(rv)
        elif isinstance(rv, tuple) and isinstance(rv[0], BaseModel):
            rv = (as_json(rv[0]), *rv[1:])
        return super().make_response(rv)


def as_json(model: BaseModel) -> Response:
    """Returns a response with `model` in it."""
    return Response(model.model_dump_json(), content_type="application/json")


def create_app(services: Services) -> Flask:
    """Returns the app; opens nothing yet (see `api.services`)."""
    app = App(
        "api",
        info=INFO,
        security_schemes=SECURITY_SCHEMES,
        doc_ui=False,
        validation_error_status=400,
        validation_error_model=errors.Problem,
        validation_error_callback=errors.refuse_model,
    )
    app.config[MAX_BODY] = services.settings.max_body_bytes
    app.extensions[EXTENSION] = services
    metrics.install(app)
    cors.install(app, services.settings)
    capacity.install(app, services.settings)
    limits.install(app, services.settings)
    app.before_request(alternate.refuse)
    app.before_request(authorisation.admit)
    headers.install(app)
    coding.install(app)
    conditional.install(app)
    errors.install(app)
    for blueprint in V1:
        app.register_api(blueprint)
    for room in (*XAPI, *PAGES):
        app.register_blueprint(room)
    authorisation.check_every_route(app)
    return app
