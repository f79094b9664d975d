"""`/metrics` for Prometheus: how many requests, how long; routes and numbers, never persons."""

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache

from flask import Blueprint, Flask, Response, g
from flask.globals import request_ctx
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector
from werkzeug.routing import Rule

from api.authorisation import public
from api.gauges import of_parts, of_usage
from api.health import parts
from api.parts import AWAY, Part
from api.services import services
from lrs.usage import Total

metrics = Blueprint("metrics", __name__)

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
"""Those that are labels: a caller may invent others without end."""

REQUESTS = Counter("lrs_http_requests", "Requests answered.", ["route", "method", "status"])
SECONDS = Histogram(
    "lrs_http_request_seconds",
    "Time from request to answer.",
    ["route", "method"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 10),
)


def install(app: Flask) -> None:
    """Counts and times the requests of `app`; goes before whatever else looks at answers."""
    app.before_request(start)
    app.after_request(observe)


def start() -> None:
    """Before each request."""
    g.started = time.perf_counter()


def observe(response: Response) -> Response:
    """After each request. The route is the rule, so that no id of anybody becomes a label."""
    asked = request_ctx.request
    method = asked.method if asked.method in METHODS else "(other)"
    answered, took = _numbers(_route(asked.url_rule), method, response.status_code)
    answered.inc()
    took.observe(time.perf_counter() - g.started)
    return response


@cache
def _numbers(route: str, method: str, status: int) -> tuple[Counter, Histogram]:
    """Returns what counts under these labels; looking them up each time costs as much again."""
    return REQUESTS.labels(route, method, status), SECONDS.labels(route, method)


def _route(rule: Rule | None) -> str:
    return rule.rule if rule else "(none)"


@metrics.get("/metrics")
@public
def scrape() -> Response:
    """Returns this deployment's numbers; of every API process where several share a folder."""
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    found = parts()
    asked = of_parts(found) + of_usage(_totals(found))
    return Response(generate_latest(registry) + asked, content_type=CONTENT_TYPE_LATEST)


def _totals(found: Iterable[Part]) -> Iterator[Total]:
    """Yields what institutions hold, each from where it lives; nothing of a shard that is away:
    the rest must be told.
    """
    home = services()
    sharded = bool(home.settings.shards)
    for name in [part.shard for part in found if part.name == "postgres" and part.well]:
        assert name is not None
        with suppress(*AWAY):
            here = set(home.lrs.placements.at(name)) if sharded else set()
            totals = home.at(name).lrs.usage.totals()
            yield from (one for one in totals if not sharded or one.institution in here)
