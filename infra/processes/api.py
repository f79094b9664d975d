"""The API process: granian serving the Flask application, one or several workers.

Each worker makes its own application after the fork; connections are never shared.
"""

import gc
import os
import resource
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from signal import SIGTERM
from tempfile import TemporaryDirectory
from typing import Any

from flask import Flask
from granian.constants import Interfaces
from granian.server import Server

from api.requests import BODY_READ
from api.services import Services
from infra import logging
from infra.local.process import die_with_parent
from infra.processes import affinity
from lrs.settings import Settings

# Granian's own messages go the way of all others; requests are counted, not logged (no paths:
# a query string may name a person).
LOGGING = {
    "formatters": {},
    "handlers": {},
    "loggers": {"_granian": {"propagate": True}, "granian.access": {"propagate": False}},
}

GC_THRESHOLDS = (10_000, 20, 50)


METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
MOST_WORKERS = 4
CONNECTIONS = 4096
"""Open connections of a worker. Who comes beyond them is not answered until one is closed."""
FILES = CONNECTIONS + 1024
MOST_UNREAD = 1024 * 1024

Wsgi = Callable[[dict[str, Any], Any], Any]


def application(
    settings: Settings, create: Callable[[Services], Flask], folder: Path | None = None
) -> Wsgi:
    """Returns the application of one worker; with a `folder` that all share, each keeps to a
    processor of its own.
    """
    die_with_parent(SIGTERM)
    logging.configure(settings, "api")
    if folder is not None:
        affinity.keep_to_one(folder)
    made = create(Services(settings))
    # A batch makes thousands of objects and frees them all: looking for cycles among them every
    # 700 costs a write a tenth of its time. What stands now stays, and is not looked at again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    return partial(_answer, made)


def _answer(app: Flask, environ: dict[str, Any], start_response: Any) -> Any:
    # Granian ends a body where it ends, but does not say so: without this, one that is sent in
    # chunks would be taken for none.
    environ["wsgi.input_terminated"] = True
    answer = app(environ, start_response)
    if BODY_READ not in environ:
        _read_out(environ)
    return answer


def _read_out(environ: dict[str, Any]) -> None:
    """Reads the rest of a body that was refused unread, else the connection breaks.

    Not of one that would take long, nor of one that is only sent when it is asked for.
    """
    length = environ.get("CONTENT_LENGTH", "0")
    if length.isdigit() and 0 < int(length) <= MOST_UNREAD and "HTTP_EXPECT" not in environ:
        environ["wsgi.input"].read(int(length))


def run(settings: Settings) -> None:
    """Serves until SIGTERM; requests that were accepted are answered first."""
    processors = len(affinity.processors())
    workers = settings.api_workers or min(processors, MOST_WORKERS)
    # Whoever waits for a lock holds a place and a connection: a request must not do so for long.
    lock_timeout = min(settings.lock_timeout, settings.pool_timeout)
    settings = settings.model_copy(update={"lock_timeout": lock_timeout})
    _allow_files()
    with TemporaryDirectory(prefix="kumbuka-api-") as folder:
        if workers > 1:
            os.environ.setdefault(METRICS_FOLDER, folder)
        # Only now: what counts looks for that folder when it is imported.
        create = import_module("api.app").create_app
        server = Server(
            "infra.processes.api:application",
            address=settings.host,
            port=settings.port,
            interface=Interfaces.WSGI,
            websockets=False,
            workers=workers,
            blocking_threads=settings.api_threads,
            backlog=CONNECTIONS,
            backpressure=CONNECTIONS,
            log_dictconfig=LOGGING,
            log_access=False,
            workers_kill_timeout=5,
        )
        shared = Path(folder) if workers == processors else None
        loader: Any = partial(application, settings, create, shared)
        server.serve(target_loader=loader, wrap_loader=False)


def _allow_files() -> None:
    """Lets this process, and so its workers, open as many files as connections may need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY or hard > soft:
        most = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))
