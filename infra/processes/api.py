"""The API process: granian serving the Flask application, one or several workers.

Each worker makes its own application after the fork; connections are never shared.
"""

import gc
from functools import partial
from signal import SIGTERM
from typing import Any

from flask import Flask
from granian.constants import Interfaces
from granian.server import Server

from api.app import create_app
from api.services import Services
from infra import logging
from infra.local.process import die_with_parent
from lrs.settings import Settings

# Granian's own messages go the way of all others; requests are counted, not logged (no paths:
# a query string may name a person).
LOGGING = {
    "formatters": {},
    "handlers": {},
    "loggers": {"_granian": {"propagate": True}, "granian.access": {"propagate": False}},
}

GC_THRESHOLD = 10_000


def application(settings: Settings) -> Flask:
    """Returns the application of one worker."""
    die_with_parent(SIGTERM)
    logging.configure(settings, "api")
    made = create_app(Services(settings))
    # A batch makes thousands of objects and frees them all: looking for cycles among them every
    # 700 costs a write a tenth of its time. What stands now stays, and is not looked at again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD, 20, 50)
    return made


def run(settings: Settings) -> None:
    """Serves until SIGTERM; requests that were accepted are answered first."""
    server = Server(
        "infra.processes.api:application",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        websockets=False,
        workers=settings.api_workers,
        blocking_threads=settings.api_threads,
        log_dictconfig=LOGGING,
        log_access=False,
        workers_kill_timeout=5,
    )
    loader: Any = partial(application, settings)
    server.serve(target_loader=loader, wrap_loader=False)
