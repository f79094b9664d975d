"""How a request finds its view: Flask's own way, without what nobody here uses.

Coroutines as views, sessions, routing by host, and putting together for each request anew what is
to be called before and after it: they cost more than all that we do ourselves. What is called, and
in which order, is as Flask says.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from flask import Request, Response
from flask.globals import request_ctx
from flask.sessions import NullSession, SessionInterface
from flask_openapi3.openapi import OpenAPI
from werkzeug.routing import Map, MapAdapter, Rule


class NoSessions(SessionInterface):
    """Nothing is remembered of a caller: each request shows its own credentials."""

    def open_session(self, *_: Any) -> NullSession:
        """Returns the one session there is, which takes nothing."""
        return _NO_SESSION

    def save_session(self, *_: Any) -> None:
        """Does nothing."""


_NO_SESSION = NullSession()


class Hooks(NamedTuple):
    """What is called around the views of a blueprint, in order."""

    before: tuple[Callable[[], Any], ...]
    after: tuple[Callable[[Response], Response], ...]
    last: tuple[Callable[[BaseException | None], None], ...]


class Routes(MapAdapter):
    """Finds a route without variables by looking it up."""

    def __init__(self, map: Map, plain: dict[tuple[str, str], Rule], request: Request) -> None:
        super().__init__(
            map,
            request.environ.get("HTTP_HOST", ""),
            request.root_path,
            "",
            request.scheme,
            request.path,
            request.method,
            request.query_string.decode("latin1"),
        )
        self._plain = plain

    def match(self, *args: Any, **kwargs: Any) -> Any:
        """Returns the route and its variables; raises what says that there is none."""
        rule = self._plain.get((self.default_method, self.path_info))
        return super().match(*args, **kwargs) if rule is None else (rule, {})


class Dispatch(OpenAPI):
    """An app whose routes and hooks stand once it answers."""

    session_interface = NoSessions()

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Returns what finds the route: by path and method alone."""
        return None if request is None else Routes(self.url_map, self._plain_routes, request)

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Returns `func`: none of ours is a coroutine."""
        return func

    def preprocess_request(self) -> Any:
        """Calls what comes before the view; returns the first answer that one of them gives."""
        for hook in self._hooks_of(request_ctx.request).before:
            answer = hook()
            if answer is not None:
                return answer
        return None

    def process_response(self, response: Response) -> Response:
        """Returns the response after all that comes after the view."""
        context = request_ctx._get_current_object()  # type: ignore[attr-defined]
        for once in context._after_request_functions:
            response = once(response)
        for hook in self._hooks_of(context.request).after:
            response = hook(response)
        return response

    def do_teardown_request(self, exc: BaseException | None = None) -> None:
        """Calls what comes last, whatever became of the request."""
        for hook in self._hooks_of(request_ctx.request).last:
            hook(exc)

    @cached_property
    def _plain_routes(self) -> dict[tuple[str, str], Rule]:
        return {
            (method, rule.rule): rule
            for rule in self.url_map.iter_rules()
            for method in rule.methods or ()
            if not rule.arguments
        }

    @cached_property
    def _hooks(self) -> dict[str | None, Hooks]:
        return {}

    def _hooks_of(self, request: Request) -> Hooks:
        found = self._hooks.get(request.blueprint)
        if found is None:
            found = self._hooks[request.blueprint] = Hooks(
                self._called(self.before_request_funcs, (None, *reversed(request.blueprints))),
                self._called(self.after_request_funcs, (*request.blueprints, None), latest=True),
                self._called(self.teardown_request_funcs, (*request.blueprints, None), latest=True),
            )
        return found

    @staticmethod
    def _called(
        known: dict[str | None, list[Any]], names: Sequence[str | None], latest: bool = False
    ) -> tuple[Any, ...]:
        """Returns the functions under these names; `latest`: those added last come first."""
        return tuple(
            function
            for name in names
            for function in (reversed(known.get(name, [])) if latest else known.get(name, []))
        )
