"""Binds every route to the action that it is, and lets in only who may do it.

Which role may do what stands in one table, `domain.roles.ALLOWED`. A route without a mark is
refused when the app is made, so that none is open by forgetting.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, g
from flask.globals import request_ctx

from api.authentication import authenticate
from api.limits import limits
from api.services import go_to
from domain.errors import Forbidden
from domain.roles import Action
from domain.scopes import narrowest

MARK = "__kumbuka_access__"
PUBLIC = None
GUARDED = ("/api/", "/xapi")

View = TypeVar("View", bound=Callable[..., Any])


def requires(action: Action) -> Callable[[View], View]:
    """Marks a view: only credentials that may do `action` reach it. Goes below the route."""

    def mark(view: View) -> View:
        setattr(view, MARK, action)
        return view

    return mark


def public(view: View) -> View:
    """Marks a view that anybody may see; it may give nothing of any institution."""
    setattr(view, MARK, PUBLIC)
    return view


def admit() -> None:
    """Before each request: leaves the credential in `g`.

    Raises Unauthenticated, TooFast or Forbidden.
    """
    context = request_ctx._get_current_object()  # type: ignore[attr-defined]
    rule, method = context.request.url_rule, context.request.method
    automatic = method == "OPTIONS" and getattr(rule, "provide_automatic_options", False)
    if rule is None or automatic:
        return
    action: Action | None = getattr(context.app.view_functions[rule.endpoint], MARK, PUBLIC)
    if action is PUBLIC:
        return
    caller = g.credential = authenticate()
    limits().request(caller)
    if not caller.may(action):
        g.lacking = narrowest(action) or ""
        raise Forbidden(f"these credentials may not {action}")
    go_to(caller.institution)


def check_every_route(app: Flask) -> None:
    """Raises RuntimeError when a route under a guarded prefix says nothing of who may use it."""
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if rule.rule.startswith(GUARDED) and not hasattr(view, MARK):
            raise RuntimeError(f"{rule.rule}: mark its view with @requires(...) or @public")
