"""The app's own promises: no open route by forgetting, nothing opened before it is asked."""

import pytest
from flask import Flask

from api.app import create_app
from api.authorisation import check_every_route, public
from api.services import Services
from lrs.settings import Settings


def opener(_: Settings) -> None:
    raise AssertionError("opened before it was needed")


def test_making_the_app_opens_nothing() -> None:
    app = create_app(Services(Settings(), opener))  # type: ignore[arg-type]
    assert app.test_client().get("/health/live").status_code == 200


def test_a_route_without_a_mark_is_refused() -> None:
    app = Flask("test")
    app.add_url_rule("/api/v1/open", view_func=lambda: "")
    with pytest.raises(RuntimeError, match="/api/v1/open"):
        check_every_route(app)
    marked = Flask("test")
    marked.add_url_rule("/api/v1/open", view_func=public(lambda: ""))
    check_every_route(marked)
